package chunk

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
)

// marked is after how many chunks a place is remembered. Finding a chunk reads
// so many at most.
const marked = 256

// mark is where in the .chunks file what comes next begins.
type mark struct {
	at   int64 // byte
	next Entry // without its chunk
}

// scanner reads chunks one after the other.
type scanner struct {
	in   *bufio.Reader
	at   int64  // byte of the file that is read next
	next Entry  // what comes next; its chunk is known only in a run
	more uint64 // how often that chunk is still there
}

// scan returns a scanner of the part of a .chunks file from a mark on.
func scan(file io.ReaderAt, from mark, end int64) *scanner {
	return &scanner{in: bufio.NewReader(io.NewSectionReader(file, from.at, end-from.at)), at: from.at, next: from.next}
}

// seek returns a scanner that is at most [marked] chunks before number first,
// or in the run that has it.
func (x *Index) seek(first int) *scanner {
	after := sort.Search(len(x.marks), func(i int) bool { return x.marks[i].next.Number > first })
	return scan(x.file, x.marks[max(after-1, 0)], x.Self.Size)
}

// read returns the next chunk.
func (s *scanner) read() (Entry, error) {
	if s.more == 0 {
		if err := s.record(); err != nil {
			return Entry{}, err
		}
	}
	e := s.next
	s.more--
	s.advance(1)
	return e, nil
}

// skip passes over up to n chunks that are the same as the last one.
func (s *scanner) skip(n int) {
	if n = min(n, int(s.more)); n > 0 { //nolint:gosec // at most MaxChunks
		s.more -= uint64(n)
		s.advance(n)
	}
}

func (s *scanner) advance(n int) {
	s.next.Number += n
	s.next.Offset += int64(n) * int64(s.next.Length)
	s.next.FrameOffset += int64(n) * int64(s.next.Frame)
}

var errShort = errors.New("it ends too early")

// record reads a chunk and how often it is there, at least once.
func (s *scanner) record() error {
	length, err := binary.ReadUvarint(s)
	if err != nil {
		return short(err)
	}
	frame, err := binary.ReadUvarint(s)
	if err != nil {
		return short(err)
	}
	if length>>1 > MaxSize || frame > maxFrame {
		return fmt.Errorf("a chunk of %d bytes, a frame of %d", length>>1, frame)
	}
	c := Chunk{Length: uint32(length >> 1), Frame: uint32(frame), Zero: length&1 == 1} //nolint:gosec // checked above
	s.more = 1
	if c.Zero {
		s.more, err = binary.ReadUvarint(s)
	} else {
		var n int
		n, err = io.ReadFull(s.in, c.SHA256[:])
		s.at += int64(n)
	}
	if err != nil {
		return short(err)
	}
	if s.more == 0 || s.more > MaxChunks {
		return fmt.Errorf("a chunk that is there %d times", s.more)
	}
	s.next.Chunk = c
	return nil
}

// short says it if err is of a file's end.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

// ReadByte counts.
func (s *scanner) ReadByte() (byte, error) {
	b, err := s.in.ReadByte()
	if err == nil {
		s.at++
	}
	return b, err
}
