package chunk

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// MaxChunks bounds how many chunks a disk may have. A disk of 128 GiB of
// content, or of 512 GiB of nothing, stays below.
const MaxChunks = 1 << 21

// maxFrame bounds a frame, in bytes: a chunk that cannot be compressed, with
// what a frame adds to it.
const maxFrame = MaxSize + 1<<10

// Digest is a SHA-256.
type Digest [32]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// File says what a file holds.
type File struct {
	Name   string // without a directory
	Size   int64  // bytes
	SHA256 Digest
}

// Index tells what chunks a disk is made of and where the frame of each is.
// All chunks together are the disk; all frames, in the same order and without
// gaps, are the beginning of the file of frames, whose rest is a table for
// tools that seek in it.
//
// It holds little in memory, however many chunks there are: they are read from
// the .chunks file whenever they are asked for. It may be used concurrently.
type Index struct {
	Disk    File  // the raw disk; it has no name
	Frames  File  // the .raw.zst
	Self    File  // the .chunks file; it has no name
	Chunks  int   // how many there are
	Filled  int   // how many are not all zeros
	Content int64 // bytes of the disk that are in filled chunks

	file  io.ReaderAt
	marks []mark
}

// Chunk is a piece of a disk.
type Chunk struct {
	SHA256 Digest // of its content; not set if it is all zeros
	Length uint32 // bytes on the disk
	Frame  uint32 // bytes of its frame
	Zero   bool   // all its bytes are zero
}

// Entry is a chunk and where it lies.
type Entry struct {
	Chunk
	Number      int   // from 0
	Offset      int64 // on the disk
	FrameOffset int64 // of its frame, in the file of frames
}

// End returns where the frame ends, in the file of frames.
func (e Entry) End() int64 { return e.FrameOffset + int64(e.Frame) }

// Open reads the .chunks file at path. The index must be closed.
func Open(path string) (*Index, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	x, err := ReadFile(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return x, nil
}

// ReadFile is [Open] for a file that is open already. Without an error it is the
// index's to close.
func ReadFile(f *os.File) (*Index, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	return Read(f, info.Size())
}

// Close closes the .chunks file.
func (x *Index) Close() error {
	if file, ok := x.file.(io.Closer); ok {
		return file.Close()
	}
	return nil
}

// Reader returns a reader of the .chunks file.
func (x *Index) Reader() io.Reader { return io.NewSectionReader(x.file, 0, x.Self.Size) }

// All returns all chunks in the order of the disk. What can fail is reading the
// file only; the sequence ends with such an error.
func (x *Index) All() iter.Seq2[Entry, error] { return x.From(0) }

// From returns the chunks from number first on.
func (x *Index) From(first int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		s := x.seek(first)
		for s.next.Number < x.Chunks {
			e, err := s.read()
			if err != nil {
				yield(Entry{}, fmt.Errorf("reading an index: %w", err))
				return
			}
			if e.Number < first {
				s.skip(first - e.Number - 1)
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// checkName returns an error unless a file of frames can have the name.
func checkName(name string) error {
	if !fs.ValidPath(name) || strings.Contains(name, "/") || len(name) > 255 {
		return fmt.Errorf("%q is not a valid file name", name)
	}
	return nil
}
