package pull

import (
	"context"
	"fmt"
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// verify compares a disk with the index, which is signed. Holes are not read: of a
// disk that is mostly holes, the digest of the whole would take most of a pull.
func (a *assembly) verify(ctx context.Context, f *os.File) error {
	return phase(a.sink, PhaseCheck, "", func(p *event.Phase) (string, error) {
		read, err := a.verifyChunks(ctx, f, p)
		return bytesize.Of(read) + " on the disk, as signed", err
	})
}

// verifyChunks returns how many bytes there are besides holes.
func (a *assembly) verifyChunks(ctx context.Context, f *os.File, p *event.Phase) (read int64, err error) {
	err = a.eachChunk(ctx, f, p, func(e chunk.Entry, hole bool, buffer []byte) error {
		if hole && e.Zero {
			return nil
		}
		read += int64(e.Length)
		return verifyChunk(f, e, buffer)
	})
	return read, err
}

// eachChunk visits the chunks of a disk in their order. It tells which of them are
// holes, and gives a buffer of a chunk's length.
func (a *assembly) eachChunk(ctx context.Context, f *os.File, p *event.Phase, visit func(e chunk.Entry, hole bool, buffer []byte) error) error {
	size := a.plan.Index.Disk.Size
	scanner, buffer := sparse.NewScanner(f, size), make([]byte, chunk.MaxSize)
	for e, err := range a.plan.Index.All() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		hole, err := scanner.Empty(e.Offset, int64(e.Length))
		if err != nil {
			return err
		}
		if err := visit(e, hole, buffer[:e.Length]); err != nil {
			return err
		}
		p.Progress(e.Offset+int64(e.Length), size, event.Bytes)
	}
	return nil
}

func verifyChunk(f *os.File, e chunk.Entry, buffer []byte) error {
	if _, err := f.ReadAt(buffer, e.Offset); err != nil {
		return fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	if err := e.Verify(buffer); err != nil {
		return &DiskError{File: f.Name(), Offset: e.Offset, Err: err}
	}
	return nil
}
