package chunk

import (
	"crypto/sha256"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// ErrContent tells that something is not what the index says.
var ErrContent error = contentError{}

type contentError struct{}

func (contentError) Error() string { return "it is not what the index says" }

// Fault implements [fault.Reporter].
func (e contentError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Verify, Try: fault.Retry(fault.NoProxy, fault.OtherServer)}
}

// Decoder turns frames into chunks. It is for one goroutine.
type Decoder struct {
	zstd    *zstd.Decoder
	content [MaxSize]byte
}

// NewDecoder returns a [Decoder]. It needs about a MiB of memory, whatever it
// is given: no frame can make it hold more than a chunk.
func NewDecoder() (*Decoder, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxSize), zstd.WithDecoderMaxWindow(MaxSize))
	if err != nil {
		return nil, fmt.Errorf("making a decoder: %w", err)
	}
	return &Decoder{zstd: decoder}, nil
}

// Decode returns the content of chunk c, which is good until the next call. It
// returns an error that is [ErrContent] if frame is not the chunk's.
func (d *Decoder) Decode(c Chunk, frame []byte) ([]byte, error) {
	content, err := d.zstd.DecodeAll(frame, d.content[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContent, err)
	}
	return content, c.Verify(content)
}

// Close frees what the decoder holds.
func (d *Decoder) Close() { d.zstd.Close() }

// Verify returns an error that is [ErrContent] unless content is the chunk's.
func (c Chunk) Verify(content []byte) error {
	switch {
	case len(content) != int(c.Length):
		return fmt.Errorf("%w: %d bytes, not %d", ErrContent, len(content), c.Length)
	case c.Zero && isZero(content), !c.Zero && sha256.Sum256(content) == c.SHA256:
		return nil
	}
	return fmt.Errorf("%w: its digest differs", ErrContent)
}
