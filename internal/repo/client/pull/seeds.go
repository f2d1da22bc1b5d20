package pull

import (
	"context"
	"fmt"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// copiers is how many goroutines take chunks from seeds: digests take longer
// than reading.
const copiers = 2

// batch is how many chunks one takes at once.
const batch = 256

// build takes what seeds have, and returns how many bytes. A chunk that is not
// what the seed's index says is left to be fetched.
func (a *assembly) build(ctx context.Context) (reused int64, err error) {
	if a.plan.Reused == 0 {
		return 0, nil
	}
	p := event.Start(a.sink, PhaseBuild, path.Base(a.path))
	seeds := a.openSeeds()
	defer closeAll(seeds)
	b := &builder{disk: a.disk, plan: a.plan, seeds: seeds, phase: p}
	err = b.run(ctx)
	reused = b.reused.Load()
	return reused, p.End(event.OK, bytesize.Of(reused)+" from images here", err)
}

// openSeeds opens the useful seeds, as far as that is possible.
func (a *assembly) openSeeds() []*os.File {
	seeds := make([]*os.File, len(a.plan.Seeds))
	for i, use := range a.plan.Seeds {
		if use.Bytes == 0 {
			continue
		}
		f, err := regular.Open(use.Disk)
		if err != nil {
			a.sink.Emit(event.Event{Type: event.Warning, Phase: PhaseBuild, Text: fmt.Sprintf("it is fetched instead: %v", err)})
			continue
		}
		seeds[i] = f
	}
	return seeds
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// builder copies from seeds.
type builder struct {
	*disk
	plan   Delta
	seeds  []*os.File
	phase  *event.Phase
	reused atomic.Int64
	mu     sync.Mutex
}

func (b *builder) run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(copiers)
	for first := 0; first < len(b.have) && inner.Err() == nil; first += batch {
		group.Go(func() error { return b.copy(inner, first, min(first+batch, len(b.have))) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// copy takes the chunks from first to before end.
func (b *builder) copy(ctx context.Context, first, end int) error {
	buffer := make([]byte, chunk.MaxSize)
	for e, err := range b.plan.Index.From(first) {
		if err != nil {
			return err
		}
		if e.Number == end {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		from := b.plan.sources[e.Number]
		if from == 0 || e.Zero || b.have[e.Number] || b.seeds[from.seed()-1] == nil {
			continue
		}
		if err := b.copyFromSeed(e, from, buffer[:e.Length]); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.phase.Progress(b.reused.Load(), b.plan.Reused, event.Bytes)
	return nil
}

func (b *builder) copyFromSeed(e chunk.Entry, from source, buffer []byte) error {
	if _, err := b.seeds[from.seed()-1].ReadAt(buffer, from.offset()); err != nil {
		return nil //nolint:nilerr // then it is fetched
	}
	if e.Verify(buffer) == nil {
		b.reused.Add(int64(len(buffer)))
		return b.write(e, buffer)
	}
	return nil
}
