package chunk

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A .chunks file, all numbers big endian:
//
//	"AMIGOCDC", format 1, MinSize, NormalSize, MaxSize       8 bytes, 4 x 4
//	size and SHA-256 of the disk                              8, 32
//	size and SHA-256 of the file of frames                    8, 32
//	length of its name, name                                  1, n
//	number of chunks                                          4
//	a chunk: length << 1, length of its frame, SHA-256        varint, varint, 32
//	a run of zeros: length << 1 | 1, length of its frame, how often   3 varints
//	SHA-256 of all before                                     32
const (
	magic  = "AMIGOCDC"
	format = 1
)

// header is what has a fixed length.
type header struct {
	Magic                    [len(magic)]byte
	Format, Min, Normal, Max uint32
	DiskSize                 uint64
	DiskDigest               Digest
	FramesSize               uint64
	FramesDigest             Digest
	NameLength               uint8
}

// Read reads a .chunks file of so many bytes. It trusts nothing in it.
func Read(file io.ReaderAt, size int64) (*Index, error) {
	x := &Index{file: file, Self: File{Size: size}}
	if err := x.read(size - sha256.Size); err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	return x, nil
}

// read reads a file whose own digest is at byte end.
func (x *Index) read(end int64) error {
	start := make([]byte, len(magic))
	if _, err := x.file.ReadAt(start, 0); end < 0 || err != nil || string(start) != magic {
		return errors.New("it is none")
	}
	if err := x.checkDigest(end); err != nil {
		return err
	}
	count, at, err := x.readHeader(end)
	if err != nil {
		return err
	}
	switch {
	case x.Disk.Size <= 0:
		return errors.New("the disk has no size")
	case count == 0 || count > MaxChunks:
		return fmt.Errorf("it has %d chunks, more than none and at most %d are possible", count, MaxChunks)
	}
	x.Chunks = int(count)
	if err := x.readChunks(scan(x.file, mark{at: at}, end), end); err != nil {
		return err
	}
	return checkName(x.Frames.Name)
}

// checkDigest checks the file's digest of itself.
func (x *Index) checkDigest(end int64) error {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(x.file, 0, end)); err != nil {
		return err
	}
	var said Digest
	if _, err := x.file.ReadAt(said[:], end); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if Digest(hash.Sum(nil)) != said {
		return errors.New("it is damaged: its digest differs")
	}
	_, _ = hash.Write(said[:])
	x.Self.SHA256 = Digest(hash.Sum(nil))
	return nil
}

// readHeader returns the number of chunks and where the first one begins.
func (x *Index) readHeader(end int64) (count uint32, at int64, err error) {
	var h header
	in := io.NewSectionReader(x.file, 0, end)
	if binary.Read(in, binary.BigEndian, &h) != nil {
		return 0, 0, errShort
	}
	if h.Format != format || h.Min != MinSize || h.Normal != NormalSize || h.Max != MaxSize {
		return 0, 0, fmt.Errorf("format %d with chunks of %d to %d bytes is not known here", h.Format, h.Min, h.Max)
	}
	name := make([]byte, h.NameLength)
	if binary.Read(in, binary.BigEndian, name) != nil || binary.Read(in, binary.BigEndian, &count) != nil {
		return 0, 0, errShort
	}
	x.Disk = File{Size: int64(h.DiskSize), SHA256: h.DiskDigest}                           //nolint:gosec // checked later
	x.Frames = File{Name: string(name), Size: int64(h.FramesSize), SHA256: h.FramesDigest} //nolint:gosec // checked later
	at, err = in.Seek(0, io.SeekCurrent)
	return count, at, err
}

// readChunks reads all chunks once: to check them, and to find each sooner.
func (x *Index) readChunks(s *scanner, end int64) error {
	for s.at < end {
		if last := len(x.marks) - 1; last < 0 || s.next.Number-x.marks[last].next.Number >= marked {
			x.marks = append(x.marks, mark{at: s.at, next: s.next})
		}
		if err := s.record(); err != nil {
			return err
		}
		n := int(s.more) //nolint:gosec // at most MaxChunks
		if n > x.Chunks-s.next.Number {
			return errors.New("it has more chunks than it says")
		}
		if err := x.check(s.next, n); err != nil {
			return err
		}
		if !s.next.Zero {
			x.Filled++
			x.Content += int64(s.next.Length)
		}
		s.more = 0
		s.advance(n)
	}
	return x.checkEnd(s.next)
}

// check returns an error that says why a chunk can't be there n times.
func (x *Index) check(e Entry, n int) error {
	last := n == 1 && e.Number == x.Chunks-1
	if e.Length < MinSize && !last || e.Length == 0 {
		return fmt.Errorf("chunk %d has %d bytes", e.Number, e.Length)
	}
	if e.Frame == 0 {
		return fmt.Errorf("the frame of chunk %d has 0 bytes", e.Number)
	}
	return nil
}

// checkEnd checks what the chunks add up to.
func (x *Index) checkEnd(end Entry) error {
	switch {
	case end.Number != x.Chunks:
		return fmt.Errorf("it has %d chunks and says %d", end.Number, x.Chunks)
	case end.Offset != x.Disk.Size:
		return fmt.Errorf("its chunks have %d bytes, the disk has %d", end.Offset, x.Disk.Size)
	case end.FrameOffset > x.Frames.Size:
		return fmt.Errorf("its frames have %d bytes, more than the %d of their file", end.FrameOffset, x.Frames.Size)
	}
	return nil
}
