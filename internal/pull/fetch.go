package pull

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
)

// workers is how many ranges are fetched at once.
const workers = 6

// tries is how often a chunk is fetched in all that is not what the index
// says.
const tries = 3

// fetch gets what is still missing.
func (a *assembly) fetch(ctx context.Context) error {
	ranges := a.missing()
	if len(ranges) == 0 {
		return nil
	}
	return phase(a.sink, PhaseFetch, path.Base(a.path), func(p *event.Phase) (string, error) {
		f := &fetcher{assembly: a, phase: p, total: length(ranges)}
		err := f.ranges(ctx, ranges)
		var none *origin.NoRangesError
		if errors.As(err, &none) {
			p.Say(none.Error() + "; fetching the whole file")
			err = f.whole(ctx)
		}
		return fmt.Sprintf("%d MiB in %d range requests", a.fetched.Load()>>20, a.requests.Load()), err
	})
}

func (a *assembly) missing() []Range {
	return a.plan.merge(0, len(a.have)-1, a.lacks)
}

// fetcher gets frames from a repository.
type fetcher struct {
	*assembly
	phase *event.Phase
	total int64 // bytes to fetch
	mu    sync.Mutex
}

func (f *fetcher) ranges(ctx context.Context, ranges []Range) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, r := range ranges {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error { return f.fetchRange(inner, r) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// fetchRange fetches what is missing of a range.
func (f *fetcher) fetchRange(ctx context.Context, r Range) error {
	rest := []Range{r}
	for try := 1; len(rest) > 0; {
		err := f.stream(ctx, rest[0], f.openRange)
		var wrong *ChunkError
		if err != nil && (!errors.As(err, &wrong) || try == tries) {
			return err
		}
		if err != nil {
			try++
		}
		rest = f.plan.merge(rest[0].First, r.Last, f.lacks)
	}
	return nil
}

// whole fetches the file from its beginning, as often as that brings
// something new.
func (f *fetcher) whole(ctx context.Context) error {
	for try := 1; ; try++ {
		missing := f.missing()
		f.total = f.fetched.Load() + f.plan.Index.Frames.Size
		err := f.stream(ctx, Range{Last: missing[len(missing)-1].Last}, f.openWhole)
		if err == nil || !served(err) {
			return err
		}
		if length(f.missing()) < length(missing) {
			try = 1
		}
		if try == tries {
			return err
		}
	}
}

// served tells whether a fault is the server's, so that it may do better.
func served(err error) bool {
	var wrong *ChunkError
	var broken *origin.TransportError
	var none *origin.NoRangesError
	return errors.As(err, &wrong) || errors.As(err, &broken) || errors.As(err, &none)
}

func (f *fetcher) openRange(ctx context.Context, r Range) (io.ReadCloser, error) {
	return f.from.Range(ctx, f.path, r.Offset, r.Length, f.plan.Index.Frames.Size)
}

func (f *fetcher) openWhole(ctx context.Context, _ Range) (io.ReadCloser, error) {
	return f.from.Open(ctx, f.path, f.plan.Index.Frames.Size)
}

// stream writes the chunks of a range that are missing, until the first that
// is not what it should be.
func (f *fetcher) stream(ctx context.Context, r Range, open func(context.Context, Range) (io.ReadCloser, error)) error {
	body, err := open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	f.requests.Add(1)
	decoder, err := chunk.NewDecoder()
	if err != nil {
		return err
	}
	defer decoder.Close()
	in := bufio.NewReaderSize(counted{body, f}, 64<<10)
	for i := r.First; i <= r.Last; i++ {
		if err := f.frame(i, in, decoder); err != nil {
			return err
		}
	}
	return nil
}

// frame reads the frame of chunk i and writes the chunk if it is missing.
func (f *fetcher) frame(i int, in *bufio.Reader, decoder *chunk.Decoder) error {
	c := f.plan.Index.Chunks[i]
	if !f.lacks(i) {
		_, err := in.Discard(int(c.Frame))
		return f.broken(err)
	}
	frame := make([]byte, c.Frame)
	if _, err := io.ReadFull(in, frame); err != nil {
		return f.broken(err)
	}
	content, err := decoder.Decode(c, frame)
	if err != nil {
		return &ChunkError{Number: i + 1, Of: len(f.have), URL: f.from.URL(f.path), Tries: tries, Err: err}
	}
	return f.write(i, content)
}

// broken says where reading failed.
func (f *fetcher) broken(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("fetching %s: %w", f.from.URL(f.path), err)
}

// counted counts what comes.
type counted struct {
	io.Reader
	*fetcher
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	done := c.fetched.Add(int64(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase.Progress(done, c.total, event.Bytes)
	return n, err
}
