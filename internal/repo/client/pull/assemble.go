package pull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Stats is what a pull did. After an error it is what was done until then:
// the next pull need not fetch Kept and Fetched again.
type Stats struct {
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
func Assemble(ctx context.Context, plan Delta, from origin.Origin, path, target string, sink event.Sink) (Stats, error) {
	start := time.Now()
	a := &assembly{plan: plan, from: from, path: path, sink: sink}
	result, err := a.run(ctx, target)
	result.Elapsed = time.Since(start)
	return result, err
}

// assembly is a plan that is carried out.
type assembly struct {
	plan Delta
	from origin.Origin
	path string
	sink event.Sink
	*disk
}

// disk is a disk that is being made.
type disk struct {
	file *partial
	have []bool // chunks that are in the file, by number
}

func (a *assembly) run(ctx context.Context, target string) (Stats, error) {
	file, err := openPartial(ctx, target, a.plan.Index.Disk.SHA256.String(), func(text string) {
		a.sink.Emit(event.Event{Type: event.Message, Phase: PhaseFetch, Text: text})
	})
	if err != nil {
		return Stats{}, err
	}
	defer file.keep()
	there, err := a.present(ctx, target)
	if err != nil {
		return Stats{}, err
	}
	if there {
		file.drop()
		return Stats{Present: true}, nil
	}
	a.disk = &disk{file: file, have: make([]bool, a.plan.Index.Chunks)}
	result, err := a.fill(ctx)
	if err != nil {
		return result, asSpaceError(target, err)
	}
	return result, file.finish()
}

// fill brings all chunks into the file, and reads them again.
func (a *assembly) fill(ctx context.Context) (r Stats, err error) {
	if r.Kept, err = a.resume(ctx); err != nil {
		return r, err
	}
	if err = a.checkSpace(); err != nil {
		return r, err
	}
	if r.Reused, err = a.build(ctx); err != nil {
		return r, err
	}
	if r.Fetched, r.Ranges, err = a.fetch(ctx); err != nil {
		return r, err
	}
	return r, a.verify(ctx, a.file.File)
}

// present tells whether the target is there and good.
func (a *assembly) present(ctx context.Context, target string) (bool, error) {
	info, err := os.Stat(target)
	if err != nil || info.Size() != a.plan.Index.Disk.Size {
		return false, nil // then it is made, or that fails
	}
	f, err := regular.Open(target)
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
func (a *assembly) checkSpace() error {
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
func (d *disk) write(e chunk.Entry, content []byte) error {
	if _, err := d.file.WriteAt(content, e.Offset); err != nil {
		return fmt.Errorf("writing %s: %w", d.file.Name(), err)
	}
	d.have[e.Number] = true
	return nil
}

// lacks tells whether a chunk is neither there nor a hole.
func (d *disk) lacks(e chunk.Entry) bool { return !d.have[e.Number] && !e.Zero }

// resume finds out what an earlier pull left, and returns how many bytes had come.
// It believes nothing but the chunks themselves.
func (a *assembly) resume(ctx context.Context) (kept int64, err error) {
	info, err := a.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("looking at an unfinished pull: %w", err)
	}
	if err := a.file.Truncate(a.plan.Index.Disk.Size); err != nil {
		return 0, fmt.Errorf("making %s: %w", a.file.Name(), err)
	}
	if info.Size() == 0 {
		return 0, nil
	}
	p := event.Start(a.sink, PhaseResume, "looking at what an earlier pull left")
	kept, err = a.survey(ctx, p)
	return kept, p.End(event.OK, bytesize.Of(kept)+" already here", err)
}

func (a *assembly) survey(ctx context.Context, p *event.Phase) (kept int64, err error) {
	err = a.eachChunk(ctx, a.file.File, p, func(e chunk.Entry, hole bool, buffer []byte) error {
		if !hole {
			if err := a.inspect(e, buffer); err != nil {
				return err
			}
		}
		if a.have[e.Number] && a.plan.source(e.Number) == 0 && !e.Zero {
			kept += int64(e.Frame)
		}
		return nil
	})
	return kept, err
}

// inspect takes a chunk as there if it is; what should be zeros becomes so.
func (d *disk) inspect(e chunk.Entry, buffer []byte) error {
	if _, err := d.file.ReadAt(buffer, e.Offset); err != nil {
		return fmt.Errorf("reading %s: %w", d.file.Name(), err)
	}
	err := e.Verify(buffer)
	if errors.Is(err, chunk.ErrContent) && e.Zero {
		clear(buffer)
		return d.write(e, buffer)
	}
	d.have[e.Number] = err == nil
	return nil
}
