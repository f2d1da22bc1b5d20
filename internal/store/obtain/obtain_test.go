package obtain

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// TestChoices: a channel that went back to an older version names each once,
// what it points at first.
func TestChoices(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	pin := func(n byte) layout.Reference {
		return layout.Reference{Size: int64(n), SHA256: strings.Repeat("ab", 32)}
	}
	c := layout.Channel{Channel: "stable"}
	for i, version := range []string{"1", "2", "1"} {
		c = c.Moved(layout.Move{Version: version, Manifest: pin(version[0]), At: day.AddDate(0, 0, i)})
	}
	want := []Choice{
		{Channel: "stable", Version: "1", Pin: pin('1'), Current: true, Since: day.AddDate(0, 0, 2)},
		{Channel: "stable", Version: "2", Pin: pin('2'), Since: day.AddDate(0, 0, 1)},
	}
	if diff := cmp.Diff(want, choices(c)); diff != "" {
		t.Error(diff)
	}
}

func TestRevoked(t *testing.T) {
	states := []layout.Channel{{Channel: "stable"}, {Channel: "nightly", Revoked: map[string]string{"2": "it forgets"}}}
	if err := revoked(states, "1"); err != nil {
		t.Error(err)
	}
	want := &trust.RevokedError{Channel: "nightly", Version: "2", Reason: "it forgets"}
	if diff := cmp.Diff(error(want), revoked(states, "2")); diff != "" {
		t.Error(diff)
	}
}

// TestAgrees: an index that is signed, but of another disk, is not taken.
func TestAgrees(t *testing.T) {
	index := &chunk.Index{Disk: chunk.File{Size: 9}, Frames: chunk.File{Name: "a.zst", Size: 5}}
	image := layout.Image{Disk: layout.Disk{Size: 9, SHA256: index.Disk.SHA256.String()}}
	frames := manifest.File{Name: "a.zst", Size: 5}
	if err := agrees(index, image, frames); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*layout.Image, *manifest.File){
		"size":   func(i *layout.Image, _ *manifest.File) { i.Disk.Size++ },
		"digest": func(i *layout.Image, _ *manifest.File) { i.Disk.SHA256 = strings.Repeat("ab", 32) },
		"frames": func(_ *layout.Image, f *manifest.File) { f.Name = "b.zst" },
		"length": func(_ *layout.Image, f *manifest.File) { f.Size++ },
	} {
		i, f := image, frames
		spoil(&i, &f)
		if agrees(index, i, f) == nil {
			t.Errorf("another %s was taken", name)
		}
	}
}
