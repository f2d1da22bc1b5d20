package pull

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestFull(t *testing.T) {
	i := newestImage(t)
	s := serve(t, i.frames, faulty.Honest)
	path := target(t)
	result, err := assemble(t.Context(), t, i, s, path)
	if err != nil {
		t.Fatal(err)
	}
	i.is(t, path)
	plan := plan(t, i.index)
	if result.Fetched != plan.Fetch || s.bytes.Load() != plan.Fetch || result.Ranges != plan.Requests {
		t.Errorf("planned %d bytes in %d ranges, got %+v, the server sent %d", plan.Fetch, plan.Requests, result, s.bytes.Load())
	}
	if result, err = assemble(t.Context(), t, i, s, path); err != nil || !result.Present || result.Fetched != 0 {
		t.Errorf("once more: %+v, %v", result, err)
	}
}

func TestDelta(t *testing.T) {
	old, i := oldImage(t), newestImage(t)
	seed := old.seed(t)
	s := serve(t, i.frames, faulty.Honest)
	path := target(t)
	plan := plan(t, i.index, seed)
	if limit := int64(len(i.frames) / 5); plan.Fetch > limit {
		t.Errorf("it would fetch %d of %d bytes and reuse %d", plan.Fetch, len(i.frames), plan.Reused)
	}
	result, err := assemble(t.Context(), t, i, s, path, seed)
	if err != nil {
		t.Fatal(err)
	}
	i.is(t, path)
	if result.Fetched != plan.Fetch || result.Reused != plan.Reused {
		t.Errorf("planned %d and %d bytes, got %+v", plan.Fetch, plan.Reused, result)
	}
}

func TestFromDirectory(t *testing.T) {
	i := newestImage(t)
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(framesPath)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, framesPath), i.frames, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{root, "file://" + root} {
		path := target(t)
		if _, err := Assemble(t.Context(), plan(t, i.index), open(t, location, steady), framesPath, path, event.Discard); err != nil {
			t.Fatal(err)
		}
		i.is(t, path)
	}
}

// TestSeedThatLies gives seeds that are damaged, too short, or gone.
func TestSeedThatLies(t *testing.T) {
	old, i := oldImage(t), newestImage(t)
	for name, damage := range map[string]func(path string) error{
		"altered":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), len(old.disk)), 0o644) },
		"truncated": func(path string) error { return os.Truncate(path, 3<<20) },
		"gone":      os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			seed := old.seed(t)
			if err := damage(seed.Disk); err != nil {
				t.Fatal(err)
			}
			path := target(t)
			if _, err := assemble(t.Context(), t, i, serve(t, i.frames, faulty.Honest), path, seed); err != nil {
				t.Fatal(err)
			}
			i.is(t, path)
		})
	}
}

// TestPartialThatLies leaves what no pull of this image left.
func TestPartialThatLies(t *testing.T) {
	i := newestImage(t)
	for name, content := range map[string][]byte{
		"another disk": older(),
		"noise":        noise(9, len(i.disk)),
		"too long":     append(newer(), noise(9, 1<<20)...),
		"too short":    newer()[:5<<20],
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			if err := os.WriteFile(stem(path, i.index.Disk.SHA256.String())+PartialSuffix, content, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := assemble(t.Context(), t, i, serve(t, i.frames, faulty.Honest), path); err != nil {
				t.Fatal(err)
			}
			i.is(t, path)
		})
	}
}

func TestDamagedTargetIsReplaced(t *testing.T) {
	i := newestImage(t)
	path := target(t)
	if err := os.WriteFile(path, noise(9, len(i.disk)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := assemble(t.Context(), t, i, serve(t, i.frames, faulty.Honest), path); err != nil {
		t.Fatal(err)
	}
	i.is(t, path)
}

func TestTwoAtOnce(t *testing.T) {
	i := newestImage(t)
	s := serve(t, i.frames, faulty.Honest)
	path := target(t)
	var group errgroup.Group
	present := make([]Stats, 4)
	for n := range present {
		group.Go(func() (err error) {
			present[n], err = assemble(t.Context(), t, i, s, path)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	i.is(t, path)
	if want := plan(t, i.index).Fetch; s.bytes.Load() != want {
		t.Errorf("the server sent %d bytes instead of %d", s.bytes.Load(), want)
	}
}

// beforeCheck is a sink that does something once all is on the disk.
type beforeCheck func()

func (b beforeCheck) Emit(e event.Event) {
	if e.Type == event.PhaseStart && e.Phase == PhaseCheck {
		b()
	}
}

// change changes the one file that a pattern matches.
func change(t *testing.T, pattern string, spoil func(*os.File) error) {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	f, err := os.OpenFile(found[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(spoil(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestDiskThatForgets holds that what is on the disk is read again before it gets
// its name: a byte of a chunk, one where zeros should be, and a hole where none
// should be are found.
func TestDiskThatForgets(t *testing.T) {
	i := newestImage(t)
	var data, zero chunk.Entry
	for e, err := range i.index.All() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Zero {
			zero = e
		} else {
			data = e
		}
	}
	for name, spoil := range map[string]func(f *os.File) error{
		"chunk": func(f *os.File) error { _, err := f.WriteAt([]byte{^i.disk[data.Offset]}, data.Offset); return err },
		"zeros": func(f *os.File) error { _, err := f.WriteAt([]byte{1}, zero.Offset+1); return err },
		"hole": func(f *os.File) error {
			return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, data.Offset, int64(data.Length))
		},
	} {
		path := target(t)
		s := serve(t, i.frames, faulty.Honest)
		sink := beforeCheck(func() { change(t, path+".*"+PartialSuffix, spoil) })
		_, err := Assemble(t.Context(), plan(t, i.index), open(t, s.URL, steady), framesPath, path, sink)
		if !errors.As(err, new(*DiskError)) || !errors.Is(err, chunk.ErrContent) {
			t.Errorf("%s: %v", name, err)
		}
		absent(t, path)
		if _, err := assemble(t.Context(), t, i, s, path); err != nil {
			t.Errorf("%s, once more: %v", name, err)
		}
		i.is(t, path)
	}
}

func TestRangesAreBounded(t *testing.T) {
	i := newestImage(t)
	old := oldImage(t)
	for _, plan := range []Delta{plan(t, i.index), plan(t, i.index, Seed{Index: old.index})} {
		end := int64(0)
		for r, err := range plan.ranges(0, i.index.Chunks-1, func(n int) bool { return plan.source(n) == 0 }) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Length > maxSpan || end > 0 && r.Offset < end {
				t.Errorf("%+v after %d", r, end)
			}
			end = r.end()
		}
	}
}

func TestNothingThere(t *testing.T) {
	i := newestImage(t)
	path := target(t)
	_, err := Assemble(t.Context(), plan(t, i.index), open(t, t.TempDir(), steady), framesPath, path, event.Discard)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	absent(t, path)
	var none *origin.NoRangesError
	if errors.As(err, &none) {
		t.Error("a missing file is taken for a server without ranges")
	}
}
