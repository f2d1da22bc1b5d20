package pull

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize/english"
	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// workers is how many ranges are fetched at once.
const workers = 6

// tries is how often a chunk is fetched in all that is not what the index
// says.
const tries = 3

// fetch gets what is still missing. It returns how many bytes came, and by how
// many requests.
func (a *assembly) fetch(ctx context.Context) (bytes int64, requests int, err error) {
	f := &fetcher{disk: a.disk, plan: a.plan, from: a.from, path: a.path}
	missing, err := sum(f.missing())
	if err != nil || missing.ranges == 0 {
		return 0, 0, err
	}
	f.total, f.phase = missing.bytes, event.Start(a.sink, PhaseFetch, path.Base(path.Dir(a.path)))
	err = f.run(ctx)
	bytes, requests = f.fetched.Load(), int(f.requests.Load())
	return bytes, requests, f.phase.End(event.OK, fmt.Sprintf("%s in %s", bytesize.Of(bytes), english.Plural(requests, "request", "")), err)
}

// fetcher gets frames from a repository.
type fetcher struct {
	*disk
	plan     Delta
	from     origin.Origin
	path     string
	phase    *event.Phase
	total    int64 // bytes to fetch
	fetched  atomic.Int64
	requests atomic.Int64
	mu       sync.Mutex
}

// missing returns the ranges of what is neither there nor zeros.
func (f *fetcher) missing() iter.Seq2[Range, error] {
	return f.missingIn(0, len(f.have)-1)
}

func (f *fetcher) missingIn(first, last int) iter.Seq2[Range, error] {
	return f.plan.ranges(first, last, func(i int) bool { return !f.have[i] })
}

// run fetches ranges, or all from a server that has none.
func (f *fetcher) run(ctx context.Context) error {
	err := f.ranges(ctx)
	var none *origin.NoRangesError
	if errors.As(err, &none) {
		f.phase.Say(none.Error() + "; fetching the whole file")
		return f.whole(ctx)
	}
	return err
}

func (f *fetcher) ranges(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for r, err := range f.missing() {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if err != nil {
				return err
			}
			return f.fetchRange(inner, r)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// fetchRange fetches what is missing of a range.
func (f *fetcher) fetchRange(ctx context.Context, r Range) error {
	for try, rest := 1, r; rest.Length > 0; {
		err := f.stream(ctx, rest, f.openRange)
		var wrong *ChunkError
		if err != nil && (!errors.As(err, &wrong) || try == tries) {
			return err
		}
		if err != nil {
			try++
		}
		if rest, err = first(f.missingIn(rest.First, r.Last)); err != nil {
			return err
		}
	}
	return nil
}

// first returns the first of some ranges, or an empty one if there are none.
func first(ranges iter.Seq2[Range, error]) (Range, error) {
	for r, err := range ranges {
		return r, err
	}
	return Range{}, nil
}

// whole fetches the file from its beginning, as often as that brings
// something new.
func (f *fetcher) whole(ctx context.Context) error {
	missing, err := sum(f.missing())
	for try := 1; err == nil; try++ {
		f.total = f.fetched.Load() + f.plan.Index.Frames.Size
		broken := f.stream(ctx, Range{Last: missing.last}, f.openWhole)
		if broken == nil || !served(broken) {
			return broken
		}
		before := missing.bytes
		if missing, err = sum(f.missing()); missing.bytes < before {
			try = 1
		}
		if try == tries {
			return broken
		}
	}
	return err
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
	for e, err := range f.plan.Index.From(r.First) {
		if err != nil {
			return err
		}
		if e.Number > r.Last {
			break
		}
		if err := f.frame(e, in, decoder); err != nil {
			return err
		}
	}
	return nil
}

// frame reads the frame of a chunk and writes the chunk if it is missing.
func (f *fetcher) frame(e chunk.Entry, in *bufio.Reader, decoder *chunk.Decoder) error {
	if !f.lacks(e) {
		_, err := in.Discard(int(e.Frame))
		return f.broken(err)
	}
	frame := make([]byte, e.Frame)
	if _, err := io.ReadFull(in, frame); err != nil {
		return f.broken(err)
	}
	content, err := decoder.Decode(e.Chunk, frame)
	if err != nil {
		return &ChunkError{Number: e.Number + 1, Of: len(f.have), URL: f.from.URL(f.path), Tries: tries, Err: err}
	}
	return f.write(e, content)
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
