package imagestore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// add puts a small image into the store.
func add(t *testing.T, s Store, version, variant string, made time.Time) Image {
	t.Helper()
	v := layout.VersionManifest{
		Product: "amigo", Version: version, Created: made,
		Images: []layout.Image{{Variant: variant, Disk: layout.Disk{Size: 5, SHA256: strings.Repeat("ab", 32)}}},
	}
	content, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Incoming(t.Context(), version, variant, func() { t.Error("it waits") })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	for _, name := range []string{DiskFile, IndexFile} {
		if err := os.WriteFile(in.Path(name), []byte("a disk"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Image(version, variant); err == nil {
		t.Error("it is an image before it is whole")
	}
	image, err := in.Commit(t.Context(), content, Source{Repository: "https://images.example.org", Added: made})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

var day = time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)

func names1(images []Image) (list []string) {
	for _, i := range images {
		list = append(list, i.Name())
	}
	return list
}

func TestImages(t *testing.T) {
	s := At(t.TempDir())
	if images, err := s.Images(); err != nil || len(images) != 0 {
		t.Errorf("an empty store has %v, %v", images, err)
	}
	add(t, s, "2026-11-15", "distribution", day)
	add(t, s, "2026-11-22", "production", day.AddDate(0, 0, 7))
	image := add(t, s, "2026-11-22", "distribution", day.AddDate(0, 0, 7))
	// What is not an image is none.
	if err := os.MkdirAll(s.path(imagesDir, "2026-12-01", "distribution"), 0o755); err != nil {
		t.Fatal(err)
	}
	images, err := s.Images()
	want := []string{"2026-11-22/distribution", "2026-11-22/production", "2026-11-15/distribution"}
	if err != nil || !slices.Equal(names1(images), want) {
		t.Errorf("%v, %v", names1(images), err)
	}
	if image.Allocated <= 0 || image.Source.Repository != "https://images.example.org" {
		t.Errorf("%+v", image)
	}
	var missing *MissingError
	if _, err := s.Image("2026-11-16", "distribution"); !errors.As(err, &missing) || missing.Name != "2026-11-16/distribution" {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", ".", "..", "../images/2026-11-15"} {
		if _, err := s.Image(name, "distribution"); !errors.As(err, &missing) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := s.Image(image.Version, name); !errors.As(err, &missing) {
			t.Errorf("variant %q: %v", name, err)
		}
	}
	if read, err := s.Image(image.Version, image.Variant); err != nil || read.Digest != image.Digest || read.Source != image.Source {
		t.Errorf("it is read as %+v, and was committed as %+v: %v", read, image, err)
	}
	if err := s.RemoveImage(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Image("2026-11-22", "distribution"); err == nil {
		t.Error("it is still there")
	}
	if left, _ := os.ReadDir(s.path(partialDir)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestIncomingStaysUntilItIsWhole(t *testing.T) {
	s := At(t.TempDir())
	in, err := s.Incoming(t.Context(), "2026-11-22", "distribution", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(in.Path("disk.raw.partial"), []byte("half"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if garbage, err := s.Garbage(t.Context()); err != nil || len(garbage) != 0 {
		t.Errorf("a pull at work is garbage: %v, %v", garbage, err)
	}
	if _, err := in.Commit(t.Context(), []byte("{}"), Source{}); err == nil {
		t.Error("an image without a manifest was committed")
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	garbage, err := s.Garbage(t.Context())
	if err != nil || len(garbage) != 1 || garbage[0].Reason != "unfinished pull" {
		t.Fatalf("%+v, %v", garbage, err)
	}
	if freed, err := s.Collect(t.Context(), garbage); err != nil || freed == 0 {
		t.Errorf("%d, %v", freed, err)
	}
	for _, bad := range []struct{ version, variant string }{{"../x", "distribution"}, {"2026", "../x"}, {"2026", ""}} {
		if _, err := s.Incoming(t.Context(), bad.version, bad.variant, nil); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestSecondPullWaits(t *testing.T) {
	s := At(t.TempDir())
	first, err := s.Incoming(t.Context(), "1", "distribution", nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Incoming(t.Context(), "1", "distribution", func() { _ = first.Close() })
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

func TestGarbage(t *testing.T) {
	s := At(t.TempDir())
	for i, version := range []string{"1", "2", "3", "4"} {
		add(t, s, version, "distribution", day.AddDate(0, 0, i))
	}
	add(t, s, "1", "production", day)
	old, err := s.Image("2", "distribution")
	if err != nil {
		t.Fatal(err)
	}
	held, err := s.Create(t.Context(), Machine{Name: "kept", Kept: true, Backing: old.Disk()})
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Whether those of another repository are in a channel is not known.
	if err := s.Remember(Known{Repository: "https://other.example.org"}); err != nil {
		t.Fatal(err)
	}
	if garbage, err := s.Garbage(t.Context()); err != nil || len(garbage) != 0 {
		t.Errorf("of another repository: %+v, %v", garbage, err)
	}
	if err := s.Remember(Known{Repository: "https://images.example.org", Channels: map[string]string{"stable": "1"}}); err != nil {
		t.Fatal(err)
	}
	garbage, err := s.Garbage(t.Context())
	if err != nil || len(garbage) != 1 || garbage[0].Name != "3/distribution" || garbage[0].Reason != "in no channel, used today" {
		t.Errorf("%+v, %v", garbage, err)
	}
	var used *InUseError
	if err := s.RemoveImage(t.Context(), old); !errors.As(err, &used) || !slices.Equal(used.Machines, []string{"kept"}) {
		t.Errorf("%v", err)
	}
	if _, err := s.Collect(t.Context(), garbage); err != nil {
		t.Error(err)
	}
	if images, _ := s.Images(); len(images) != 4 {
		t.Errorf("%v", names1(images))
	}
}

func TestMachines(t *testing.T) {
	s, ctx := At(t.TempDir()), t.Context()
	first, err := s.Create(ctx, Machine{Name: "stable", Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Create(ctx, Machine{Name: "stable"})
	if err != nil || second.Name != "stable-2" {
		t.Fatalf("%+v, %v", second, err)
	}
	kept, err := s.Create(ctx, Machine{Name: "mine", Kept: true})
	if err != nil {
		t.Fatal(err)
	}
	var busy *MachineBusyError
	if _, err := s.Hold(ctx, "mine"); !errors.As(err, &busy) {
		t.Errorf("a machine that is on was taken: %v", err)
	}
	if err := s.RemoveMachine(ctx, "mine"); !errors.As(err, &busy) {
		t.Errorf("a machine that is on was removed: %v", err)
	}
	if err := errors.Join(first.Release(ctx), kept.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	// A process that dies takes its lock along.
	if err := second.lock.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := s.Machines(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "mine" || all[0].State != Stopped || all[0].PID != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := os.Stat(second.Dir); err == nil {
		t.Error("what a dead machine left is still there")
	}
	if err := s.RemoveMachine(ctx, "mine"); err != nil {
		t.Error(err)
	}
	if _, err := s.Machine(ctx, "mine"); !errors.As(err, new(*MissingError)) {
		t.Errorf("%v", err)
	}
	if _, err := s.Create(ctx, Machine{Name: "../x"}); err == nil {
		t.Error("../x is a machine")
	}
}

func TestKnown(t *testing.T) {
	s := At(filepath.Join(t.TempDir(), "new"))
	if k, err := s.Known(); err != nil || k.Repository != "" {
		t.Errorf("%+v, %v", k, err)
	}
	if err := s.Remember(Known{Repository: "https://images.example.org"}); err != nil {
		t.Fatal(err)
	}
	if k, err := s.Known(); err != nil || k.Repository != "https://images.example.org" {
		t.Errorf("%+v, %v", k, err)
	}
	if manifest.IsDigest(filepath.Base(s.Trust("a"))) || s.Trust("a") == s.Trust("b") {
		t.Error("two repositories share their trust")
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for data, want := range map[string]string{"": "/home/me/.local/share/amigo-image", "/data": "/data/amigo-image", "relative": "/home/me/.local/share/amigo-image"} {
		t.Setenv("XDG_DATA_HOME", data)
		if s, err := Default(); err != nil || s.Path() != want {
			t.Errorf("%q: %s, %v", data, s.Path(), err)
		}
	}
}
