package pull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
)

// Result is what a pull did. After an error it is what was done until then:
// the next pull need not fetch Kept and Fetched again.
type Result struct {
	Present bool  // the target was there, whole and good
	Fetched int64 // bytes that came over the network
	Kept    int64 // bytes that an earlier pull had fetched
	Reused  int64 // bytes of the disk that came from seeds
	Ranges  int   // requests
	Elapsed time.Duration
}

// The phases of a pull.
const (
	PhaseResume = "resume" // look at what is there
	PhaseBuild  = "build"  // take from seeds
	PhaseFetch  = "fetch"
	PhaseCheck  = "check" // the digests of all that is on the disk
)

// Assemble carries out a plan: it makes target, the raw disk, with the frames
// that are at path in a repository. It goes on where an earlier call stopped,
// however that ended. A second call at the same time waits and finds it done.
//
// Errors are [*SpaceError], [*ChunkError], [*DiskError], those of package
// origin, and those of the file system.
func Assemble(ctx context.Context, plan Plan, from origin.Origin, path, target string, sink event.Sink) (Result, error) {
	start := time.Now()
	a := &assembly{plan: plan, from: from, path: path, sink: sink}
	err := a.run(ctx, target)
	result := a.result
	result.Fetched, result.Ranges = a.fetched.Load(), int(a.requests.Load())
	result.Elapsed = time.Since(start)
	return result, err
}

// assembly is a plan that is carried out.
type assembly struct {
	plan Plan
	from origin.Origin
	path string
	sink event.Sink

	file     *partial
	have     []bool // chunks that are in the file, by number
	fetched  atomic.Int64
	requests atomic.Int64
	result   Result
}

func (a *assembly) run(ctx context.Context, target string) (err error) {
	disk := a.plan.Index.Disk
	a.file, err = openPartial(ctx, target, disk.SHA256.String(), func(text string) {
		a.sink.Emit(event.Event{Type: event.Message, Phase: PhaseFetch, Text: text})
	})
	if err != nil {
		return err
	}
	defer a.file.keep()
	if a.result.Present, err = a.present(ctx, target); err != nil {
		return err
	}
	if a.result.Present {
		a.file.drop()
		return nil
	}
	for _, step := range []func(context.Context) error{a.resume, a.checkSpace, a.build, a.fetch, a.check} {
		if err := step(ctx); err != nil {
			return asSpaceError(target, err)
		}
	}
	return a.file.finish()
}

// present tells whether the target is there and good.
func (a *assembly) present(ctx context.Context, target string) (bool, error) {
	info, err := os.Stat(target)
	if err != nil || info.Size() != a.plan.Index.Disk.Size {
		return false, nil // then it is made, or that fails
	}
	f, err := os.Open(target)
	if err != nil {
		return false, fmt.Errorf("looking at what is there: %w", err)
	}
	defer func() { _ = f.Close() }()
	err = a.verify(ctx, f)
	if errors.Is(err, chunk.ErrContent) {
		return false, nil
	}
	return err == nil, err
}

// checkSpace makes sure that what is missing has room.
func (a *assembly) checkSpace(context.Context) error {
	var needed int64
	for e, err := range a.plan.Index.All() {
		if err != nil {
			return err
		}
		if a.lacks(e) {
			needed += int64(e.Length)
		}
	}
	return requireSpace(filepath.Dir(a.file.target), needed)
}

// write puts a chunk in its place.
func (a *assembly) write(e chunk.Entry, content []byte) error {
	if _, err := a.file.WriteAt(content, e.Offset); err != nil {
		return fmt.Errorf("writing %s: %w", a.file.Name(), err)
	}
	a.have[e.Number] = true
	return nil
}

// lacks tells whether a chunk is neither there nor a hole.
func (a *assembly) lacks(e chunk.Entry) bool { return !a.have[e.Number] && !e.Zero }

// resume finds out what an earlier pull left. It believes nothing but the
// chunks themselves.
func (a *assembly) resume(ctx context.Context) error {
	a.have = make([]bool, a.plan.Index.Chunks)
	info, err := a.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at an unfinished pull: %w", err)
	}
	if err := a.file.Truncate(a.plan.Index.Disk.Size); err != nil {
		return fmt.Errorf("making %s: %w", a.file.Name(), err)
	}
	if info.Size() == 0 {
		return nil
	}
	return phase(a.sink, PhaseResume, "looking at what an earlier pull left", func(p *event.Phase) (string, error) {
		err := a.survey(ctx, p)
		return bytesize.Of(a.result.Kept) + " already here", err
	})
}

func (a *assembly) survey(ctx context.Context, p *event.Phase) error {
	size := a.plan.Index.Disk.Size
	scanner, buffer := sparse.NewScanner(a.file.File, size), make([]byte, chunk.MaxSize)
	for e, err := range a.plan.Index.All() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		empty, err := scanner.Empty(e.Offset, int64(e.Length))
		if err != nil {
			return err
		}
		if !empty {
			err = a.inspect(e, buffer[:e.Length])
		}
		if err != nil {
			return err
		}
		p.Progress(e.Offset+int64(e.Length), size, event.Bytes)
	}
	return nil
}

// inspect takes a chunk as there if it is; what should be zeros becomes so.
func (a *assembly) inspect(e chunk.Entry, buffer []byte) error {
	if _, err := a.file.ReadAt(buffer, e.Offset); err != nil {
		return fmt.Errorf("reading %s: %w", a.file.Name(), err)
	}
	err := e.Verify(buffer)
	switch {
	case err == nil && a.plan.source(e.Number) == 0 && !e.Zero:
		a.result.Kept += int64(e.Frame)
	case errors.Is(err, chunk.ErrContent) && e.Zero:
		clear(buffer)
		return a.write(e, buffer)
	}
	a.have[e.Number] = err == nil
	return nil
}
