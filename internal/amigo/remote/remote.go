// Package remote is what the engine needs of a connection to a guest, and how
// files go through it: as one compressed stream each way, since on an emulated
// guest every further command costs seconds.
package remote

import (
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Command is a shell script for a guest and its streams.
type Command struct {
	Script string    // run with "sh -eu" as root
	Stdin  io.Reader // nil: empty
	Stdout io.Writer // nil: discarded
	Stderr io.Writer // nil: discarded
}

// Runner runs commands on a guest.
type Runner interface {
	Run(ctx context.Context, c Command) error
}

// window is how far back compression looks. It bounds the memory that both
// sides need.
const window = 1 << 20

// Compress returns a reader of what write writes, compressed by zstd. The
// reader fails with write's error; closing it ends write.
func Compress(write func(io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(compress(w, write)) }()
	return r
}

func compress(w io.Writer, write func(io.Writer) error) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return fmt.Errorf("preparing compression: %w", err)
	}
	if err := write(z); err != nil {
		_ = z.Close()
		return err
	}
	return z.Close()
}

// Decompress returns a reader of what is in the zstd stream r.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return nil, fmt.Errorf("preparing decompression: %w", err)
	}
	return z.IOReadCloser(), nil
}
