// Package regular opens files that others have put somewhere. A named pipe would
// keep its reader waiting for ever, a device is not what anybody meant, and a
// file that is read whole has to fit into memory.
package regular

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

// Document is how many bytes a text may have that is read whole, such as a
// manifest, a template or a key.
const Document = 10 << 20

var (
	// ErrNot tells that something is there, but not a regular file.
	ErrNot = errors.New("not a regular file")
	// ErrTooLarge tells that a file has more bytes than are read.
	ErrTooLarge = errors.New("too large")
)

// directory is what people put in the place of a file most often.
type directory struct{}

func (directory) Error() string { return "is a directory" }

func (directory) Is(target error) bool { return target == ErrNot }

// Open opens the regular file at path for reading. Anything else is [ErrNot].
func Open(path string) (*os.File, error) {
	// Without O_NONBLOCK, opening a named pipe waits for somebody who writes.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) { // a socket
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNot}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		err = &fs.PathError{Op: "open", Path: path, Err: directory{}}
	case err == nil && !info.Mode().IsRegular():
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNot}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile returns the content of the regular file at path. One of more than
// limit bytes is [ErrTooLarge].
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	return readAll(f, limit)
}

// ReadGiven is [ReadFile] for a file that a person named on the command line,
// where a pipe is meant: it waits for who writes into the pipe, until ctx ends.
func ReadGiven(ctx context.Context, path string, limit int64) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() { // nothing ends the opening of a pipe but a writer or the process's end
		f, err := os.Open(path)
		if err != nil {
			done <- result{err: err}
			return
		}
		content, err := readAll(f, limit)
		done <- result{content, err}
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readAll reads f to its end, and closes it.
func readAll(f *os.File, limit int64) ([]byte, error) {
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("%w: it has more than %s", ErrTooLarge, bytesize.Of(limit))}
	}
	return content, nil
}
