package chunk

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
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
type Index struct {
	Disk   File // the raw disk; it has no name
	Frames File // the .raw.zst
	Chunks []Chunk
}

// Chunk is a piece of a disk.
type Chunk struct {
	SHA256 Digest // of its content; not set if it is all zeros
	Length uint32 // bytes on the disk
	Frame  uint32 // bytes of its frame
	Zero   bool   // all its bytes are zero
}

// Place is where a chunk lies.
type Place struct {
	Offset int64 // on the disk
	Frame  int64 // of its frame, in the file of frames
}

// Places returns where each chunk lies.
func (x Index) Places() []Place {
	places := make([]Place, len(x.Chunks))
	var at Place
	for i, c := range x.Chunks {
		places[i] = at
		at.Offset += int64(c.Length)
		at.Frame += int64(c.Frame)
	}
	return places
}

// Content returns how many bytes of the disk are not in chunks of zeros.
func (x Index) Content() int64 {
	var sum int64
	for _, c := range x.Chunks {
		if !c.Zero {
			sum += int64(c.Length)
		}
	}
	return sum
}

// check returns an error that says why x is no index.
func (x Index) check() error {
	switch {
	case x.Disk.Size <= 0:
		return errors.New("the disk has no size")
	case !fs.ValidPath(x.Frames.Name) || strings.Contains(x.Frames.Name, "/") || len(x.Frames.Name) > 255:
		return fmt.Errorf("%q is no name of a file", x.Frames.Name)
	case len(x.Chunks) == 0 || len(x.Chunks) > MaxChunks:
		return fmt.Errorf("it has %d chunks, more than none and at most %d are possible", len(x.Chunks), MaxChunks)
	}
	return x.checkChunks()
}

func (x Index) checkChunks() error {
	var disk, frames int64
	for i, c := range x.Chunks {
		if c.Length > MaxSize || c.Length < MinSize && i < len(x.Chunks)-1 || c.Length == 0 {
			return fmt.Errorf("chunk %d has %d bytes", i, c.Length)
		}
		if c.Frame == 0 || c.Frame > maxFrame {
			return fmt.Errorf("the frame of chunk %d has %d bytes", i, c.Frame)
		}
		disk, frames = disk+int64(c.Length), frames+int64(c.Frame)
	}
	if disk != x.Disk.Size {
		return fmt.Errorf("its chunks have %d bytes, the disk has %d", disk, x.Disk.Size)
	}
	if frames > x.Frames.Size {
		return fmt.Errorf("its frames have %d bytes, more than the %d of their file", frames, x.Frames.Size)
	}
	return nil
}
