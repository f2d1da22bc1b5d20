package repository

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// ledger counts how often each file of a store is read, and what a ring signs.
type ledger struct {
	storage
	mutex     sync.Mutex
	reads     map[string]int // by path
	tagged    map[string]int // of them, with their state, which takes a store longer
	signed    map[string]int // by role
	uploading func()         // called once, before the first file of a version comes
}

// count begins to count what a bench does.
func (b *bench) count() *ledger {
	l := &ledger{storage: b.store, reads: map[string]int{}, tagged: map[string]int{}, signed: map[string]int{}}
	b.store = l
	b.ring.OnSign = func(file string) { l.add(l.signed, file) }
	return l
}

func (l *ledger) add(to map[string]int, what string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	to[what]++
}

func (l *ledger) Read(ctx context.Context, path string) ([]byte, error) {
	l.add(l.reads, path)
	return l.storage.Read(ctx, path)
}

func (l *ledger) ReadTagged(ctx context.Context, path string) ([]byte, store.Tag, error) {
	l.add(l.reads, path)
	l.add(l.tagged, path)
	return l.storage.ReadTagged(ctx, path)
}

func (l *ledger) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	l.add(l.reads, path)
	return l.storage.Open(ctx, path)
}

func (l *ledger) Create(ctx context.Context, path string, body io.Reader) error {
	if do := l.uploading; do != nil {
		l.uploading = nil
		do()
	}
	return l.storage.Create(ctx, path, body)
}

// more returns what was read more than once: nothing, but for the metadata that
// a rehearsal reads again, with a reader's eyes.
func (l *ledger) more() map[string]int {
	more := maps.Clone(l.reads)
	maps.DeleteFunc(more, func(path string, n int) bool {
		again := path != tuf.Timestamp && strings.HasPrefix(path, layout.MetadataDir+"/")
		return n == 1 || n == 2 && again
	})
	return more
}

// TestOnce: whatever is done to a repository, each file is read once, and
// nothing is signed that is not published.
func TestOnce(t *testing.T) {
	b := newBench(t)
	b.publish(small(t, "1"), "nightly")
	b.days(1)
	second, third := small(t, "2"), small(t, "3")
	b.publish(second, "nightly")
	b.days(1)
	publish := func(dir, channel string) func() error {
		return func() error { b.publish(dir, channel); return nil }
	}
	for _, step := range []struct {
		name, signs string
		do          func() error
	}{
		{"publish", "SHA256SUMS nightly snapshot timestamp", publish(third, "nightly")},
		{"publish what is there", "", publish(third, "nightly")},
		{"publish to another channel", "snapshot stable timestamp", publish(second, "stable")},
		{"promote", "snapshot stable timestamp", func() error {
			_, err := b.Promote(t.Context(), Promotion{From: "nightly", Channel: "stable"})
			return err
		}},
		{"refresh", "snapshot timestamp", func() error { _, err := b.Refresh(t.Context()); return err }},
		{"announce", "snapshot timestamp", func() error {
			_, err := b.Announce(t.Context(), layout.Night{At: b.now, Result: "no change"})
			return err
		}},
		{"prune", "nightly snapshot timestamp", func() error {
			_, err := b.Prune(t.Context(), Rules{Policy: keep.Policy{Last: 1}})
			return err
		}},
	} {
		whole, l := b.store, b.count()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		b.store = whole
		if diff := cmp.Diff(map[string]int{}, l.more()); diff != "" {
			t.Errorf("%s reads again (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(map[string]int{tuf.Timestamp: 1}, l.tagged); diff != "" {
			t.Errorf("%s asks for the state of files (-want +got):\n%s", step.name, diff)
		}
		signed := map[string]int{}
		for _, role := range strings.Fields(step.signs) {
			signed[role] = 1
		}
		if diff := cmp.Diff(signed, l.signed); diff != "" {
			t.Errorf("%s signs (-want +got):\n%s", step.name, diff)
		}
	}
}

// TestOvertaken: what others publish after a publisher has read the state is
// noticed, and kept.
func TestOvertaken(t *testing.T) {
	b := newBench(t)
	first := b.publish(small(t, "1"), "nightly")
	b.days(1)
	l := b.count()
	other := *b.Repository
	other.store = l.storage
	l.uploading = func() {
		now, err := other.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		move := layout.Move{Action: layout.Promoted, Version: first.Version, At: b.now}
		files := filesOf(now.State, layout.VersionManifest{Version: first.Version})
		if _, err := other.move(t.Context(), now, "stable", move, files, ""); err != nil {
			t.Error(err)
		}
	}
	second := b.publish(small(t, "2"), "nightly")
	if at := b.at(); at != "stable="+first.Version+" nightly="+second.Version {
		t.Error(at)
	}
	if n := l.reads[layout.Version(first.Version, layout.ManifestFile)]; n != 1 {
		t.Errorf("a manifest that has not changed was read %d times", n)
	}
}

// TestOvertakenByRoot: so is a new root whose keys are others. They come to this
// publisher while it uploads.
func TestOvertakenByRoot(t *testing.T) {
	b := newBench(t)
	b.publish(small(t, "1"), "nightly")
	b.days(1)
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(dir, os.DirFS(b.ring.Dir())); err != nil {
		t.Fatal(err)
	}
	ring, err := tuf.OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	other := *b.Repository
	other.ring = ring
	l := b.count()
	other.store = l.storage
	l.uploading = func() {
		_, rotated := ring.Rotate(tuf.Rotation{Name: tuf.Online}, tuf.DefaultPolicy(), b.now)
		now, err := other.load(t.Context())
		if err := errors.Join(rotated, err); err != nil {
			t.Fatal(err)
		}
		_, err = other.commit(t.Context(), now, func(tuf.State) (map[string]tuf.ChannelEdit, error) { return nil, nil })
		fresh := "online.2.key"
		content, unread := os.ReadFile(filepath.Join(dir, fresh))
		if err := errors.Join(err, unread, os.WriteFile(filepath.Join(b.ring.Dir(), fresh), content, 0o600)); err != nil {
			t.Error(err)
		}
	}
	second := b.publish(small(t, "2"), "nightly")
	if at := b.at(); at != "stable= nightly="+second.Version {
		t.Error(at)
	}
}
