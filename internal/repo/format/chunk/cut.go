// Package chunk cuts a raw disk at points that its content defines, so that
// disks that share content share chunks wherever it lies. The chunks travel as
// one .raw.zst file, a zstd frame a chunk in the order of the disk, which
// plain "zstd -d" turns into the disk; a .chunks file is its index.
package chunk

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // registers algorithm
)

// Sizes of chunks, in bytes; casync's defaults. They and the algorithm never
// change: two disks cut in different ways share nothing.
const (
	MinSize    = 16 << 10 // but for the last of a disk
	NormalSize = 64 << 10
	MaxSize    = 256 << 10
)

const algorithm = "fastcdc-v1.0.0"

// zeros is a chunk of a disk where nothing was written.
var zeros [MaxSize]byte

func isZero(content []byte) bool { return bytes.Equal(content, zeros[:len(content)]) }

// cutter finds where a chunk ends.
type cutter struct {
	chunker *chunkers.Chunker
	empty   int // length of the first chunk of MaxSize zeros
}

func newCutter() (*cutter, error) {
	options := chunkers.ChunkerOpts{MinSize: MinSize, NormalSize: NormalSize, MaxSize: MaxSize}
	chunker, err := chunkers.NewChunkerBuffer(algorithm, nil, &options, make([]byte, MaxSize))
	if err != nil {
		return nil, fmt.Errorf("making a chunker: %w", err)
	}
	c := &cutter{chunker: chunker}
	c.empty, err = c.find(zeros[:])
	return c, err
}

// cut returns the length of the chunk that begins where window does. The
// window is MaxSize long, or ends with the disk.
func (c *cutter) cut(window []byte) (int, error) {
	if len(window) == MaxSize && isZero(window) {
		return c.empty, nil
	}
	return c.find(window)
}

func (c *cutter) find(window []byte) (int, error) {
	c.chunker.Reset(bytes.NewReader(window))
	content, err := c.chunker.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("cutting a disk: %w", err)
	}
	return len(content), nil
}
