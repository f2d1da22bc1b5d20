package tuf

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.FixedZone("here", 3600))

// repo is a repository in memory.
type repo map[string][]byte

func (r repo) fetch(_ context.Context, path string, limit int64) ([]byte, error) {
	content, ok := r[path]
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is too long", path)
	}
	return content, nil
}

// write writes files as a publisher does: only the timestamp is replaced.
func (r repo) write(t *testing.T, files []File) {
	t.Helper()
	for _, f := range files {
		if old, ok := r[f.Path]; ok && f.Path != Timestamp && !bytes.Equal(old, f.Content) {
			t.Fatalf("%s would be replaced", f.Path)
		}
		r[f.Path] = f.Content
	}
}

func (r repo) load(t *testing.T, ring *Ring) State {
	t.Helper()
	state, err := Load(t.Context(), ring, r.fetch)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// publish makes the next state of a repository, from what it holds.
func (r repo) publish(t *testing.T, ring *Ring, now time.Time, edits map[string]ChannelEdit) State {
	t.Helper()
	files, next, err := r.load(t, ring).Next(ring, DefaultPolicy(), now, edits)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, files)
	if got := r.load(t, ring); got.Version() != next.Version() {
		t.Fatalf("version %d was made and %d is read", next.Version(), got.Version())
	}
	return next
}

func newRing(t *testing.T, setup Setup) *Ring {
	t.Helper()
	if setup.Channels == nil {
		setup.Channels = []string{"stable", "nightly"}
	}
	ring, err := CreateRing(t.TempDir()+"/keys", setup, DefaultPolicy(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// move returns what it takes to move a channel to a version.
func move(channel layout.Channel, version string) ChannelEdit {
	reference := layout.Reference{Size: 10, SHA256: strings.Repeat("ab", 32)}
	return ChannelEdit{
		State: channel.Moved(layout.Move{Action: layout.Published, Version: version, Manifest: reference, At: noon, Reason: "<&> \"quoted\"\n\u2028 \u00fc"}),
		Targets: map[string]layout.Reference{
			layout.Version(version, layout.ManifestFile): reference,
			layout.Version(version, "amigo.qcow2"):       {Size: 1 << 40, SHA256: strings.Repeat("cd", 32)},
		},
	}
}

func publishVersion(t *testing.T, r repo, ring *Ring, channel, version string) State {
	t.Helper()
	c, ok, err := r.load(t, ring).Channel(channel)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		c = layout.Channel{Channel: channel}
	}
	return r.publish(t, ring, noon, map[string]ChannelEdit{channel: move(c, version)})
}

func TestFirstPublication(t *testing.T) {
	ring, r := newRing(t, Setup{}), repo{}
	if !r.load(t, ring).Empty() {
		t.Error("an empty repository is not empty")
	}
	publishVersion(t, r, ring, "nightly", "1")
	state := r.load(t, ring)
	c, ok, err := state.Channel("nightly")
	if err != nil || !ok || c.Version != "1" || c.Sequence != 1 {
		t.Errorf("%+v, %v, %v", c, ok, err)
	}
	if _, ok, err := state.Channel("stable"); ok || err != nil {
		t.Errorf("stable: %v, %v", ok, err)
	}
	if got := state.Targets("nightly"); !maps.Equal(got, move(layout.Channel{Channel: "nightly"}, "1").Targets) {
		t.Errorf("targets: %v", got)
	}
	if state.Version() != 1 || !state.Expires().Equal(noon.Truncate(time.Second).Add(5*day)) {
		t.Errorf("version %d until %s", state.Version(), state.Expires())
	}
}
