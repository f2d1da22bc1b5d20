// Package sparse works on files with holes without reading the holes.
package sparse

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Scanner knows where a file has holes. It remembers the last hole and the
// data behind it, so it is quick for whoever goes through a file in order. It
// is for one goroutine, and moves the file's offset.
type Scanner struct {
	file *os.File
	size int64
	// A hole from hole to data, then data to end.
	hole, data, end int64
}

// NewScanner returns a [Scanner] of the first size bytes of file.
func NewScanner(file *os.File, size int64) *Scanner { return &Scanner{file: file, size: size} }

// Empty tells whether all of the length bytes from offset on lie in a hole.
// Where the file system does not know holes, nothing does.
func (s *Scanner) Empty(offset, length int64) (bool, error) {
	if offset < s.hole || offset >= s.end {
		if err := s.seek(offset); err != nil {
			return false, fmt.Errorf("looking for holes in %s: %w", s.file.Name(), err)
		}
	}
	return offset+length <= s.data, nil
}

func (s *Scanner) seek(offset int64) error {
	s.hole, s.data, s.end = offset, offset, s.size
	data, err := unix.Seek(int(s.file.Fd()), offset, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		s.data = s.size
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		return nil
	case err != nil:
		return err
	}
	s.data = min(data, s.size)
	end, err := unix.Seek(int(s.file.Fd()), data, unix.SEEK_HOLE)
	s.end = min(end, s.size)
	return err
}

// block is how much is read at once, in bytes.
const block = 256 << 10

// zeros is what a hole holds.
var zeros [block]byte

// Hash writes the first size bytes of file to digest, and calls progress with
// the bytes that are done.
func Hash(ctx context.Context, digest hash.Hash, file *os.File, size int64, progress func(done int64)) error {
	return each(ctx, file, size, func(_ int64, content []byte, _ bool) error {
		_, _ = digest.Write(content)
		return nil
	}, progress)
}

// Copy writes the first size bytes of source to the empty file target, which
// gets the same holes.
func Copy(ctx context.Context, target, source *os.File, size int64, progress func(done int64)) error {
	if err := target.Truncate(size); err != nil {
		return fmt.Errorf("copying %s: %w", source.Name(), err)
	}
	return each(ctx, source, size, func(offset int64, content []byte, empty bool) error {
		if empty {
			return nil
		}
		_, err := target.WriteAt(content, offset)
		return err
	}, progress)
}

func each(ctx context.Context, file *os.File, size int64, visit func(offset int64, content []byte, empty bool) error, progress func(int64)) error {
	scanner, buffer := NewScanner(file, size), make([]byte, block)
	for offset := int64(0); offset < size; offset += block {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		length := min(block, size-offset)
		empty, err := scanner.Empty(offset, length)
		if err != nil {
			return err
		}
		content := zeros[:length]
		if !empty {
			content = buffer[:length]
			if _, err := file.ReadAt(content, offset); err != nil {
				return fmt.Errorf("reading %s: %w", file.Name(), whole(err))
			}
		}
		if err := visit(offset, content, empty); err != nil {
			return err
		}
		progress(offset + length)
	}
	return nil
}

// whole turns the end of a file where none should be into an error.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
