package obtain

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// TestOpenRefuses: where nobody published anything, and where the root is not
// the one that was given.
func TestOpenRefuses(t *testing.T) {
	store := imagestore.At(t.TempDir())
	_, err := Open(t.Context(), store, t.TempDir(), patience, nil)
	if none := new(trust.NotFoundError); !errors.As(err, &none) || none.Kind != "repository" {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Open(t.Context(), store, "gopher://example.org", patience, nil); err == nil {
		t.Error("a scheme that nobody speaks was taken")
	}
	foreign, err := os.ReadFile(filepath.Join(publish(t).Dir, "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), store, location(t), patience, foreign); !errors.As(err, new(*trust.UntrustedError)) {
		t.Errorf("another repository's root: %v", err)
	}
}

// TestResolve: a name is a channel's, else a version's, and what was revoked
// is named with its reason.
func TestResolve(t *testing.T) {
	published := publish(t)
	r := read(t, published.Dir)
	for name, want := range map[string]string{"stable": older, "nightly": newer, older: older, newer: newer} {
		if choice := r.resolve(name); choice.Version != want || !choice.Current || choice.Pin.Size == 0 {
			t.Errorf("%s: %+v", name, choice)
		}
	}
	_, err := r.Resolve(t.Context(), "stabel")
	want := &NotFoundError{Name: "stabel", Where: published.Dir, Channels: []string{"stable", "nightly"}, Versions: []string{newer, older}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if report := want.Fault(); report.Code != fault.NotFound || report.What != want.Where+` has no channel or version "stabel"` {
		t.Errorf("%+v", report)
	}
	published.Add("nightly", "2026-11-29", "production")
	if _, err := published.Rollback(t.Context(), repository.Back{Channel: "nightly", Reason: "it forgets", Revoke: true}); err != nil {
		t.Fatal(err)
	}
	r = read(t, published.Dir)
	if choice := r.resolve("nightly"); choice.Version != newer {
		t.Errorf("after a rollback nightly is %+v", choice)
	}
	_, err = r.Resolve(t.Context(), "2026-11-29")
	if diff := cmp.Diff(error(&trust.RevokedError{Channel: "nightly", Version: "2026-11-29", Reason: "it forgets"}), err); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestChoicesOfAllChannels: each version is there once, with a channel that
// points at it now if there is one, and a channel without versions is left out.
func TestChoicesOfAllChannels(t *testing.T) {
	published := publish(t)
	if _, err := published.Promote(t.Context(), repository.Promotion{From: "nightly", Channel: "stable"}); err != nil {
		t.Fatal(err)
	}
	all, current, err := read(t, published.Dir).Choices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Channel, Version string
		Current          bool
	}
	var lines []line
	for _, c := range all {
		lines = append(lines, line{c.Channel, c.Version, c.Current})
	}
	if diff := cmp.Diff([]line{{"stable", newer, true}, {"stable", older, false}}, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"stable": newer, "nightly": newer}, current); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestManifestIsReadOnce: what was verified is not asked for again, unless the
// copy here was damaged.
func TestManifestIsReadOnce(t *testing.T) {
	s := serve(t, location(t))
	r := read(t, s.URL)
	choice := r.resolve("stable")
	first, content, err := r.Manifest(t.Context(), choice)
	if err != nil || first.Version != older {
		t.Fatalf("%+v, %v", first, err)
	}
	s.spoil("/manifest.json$", faulty.Status(http.StatusNotFound))
	_, again, err := r.Manifest(t.Context(), choice)
	if err != nil || string(again) != string(content) {
		t.Errorf("the second time: %v", err)
	}
	if err := os.WriteFile(r.manifestPath(choice.Pin), content[1:], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Manifest(t.Context(), choice); !errors.As(err, new(*LostError)) {
		t.Errorf("a damaged copy was taken: %v", err)
	}
	s.fault.Store(nil)
	if _, _, err := r.Manifest(t.Context(), choice); err != nil {
		t.Error(err)
	}
}

// TestManifestOfAnotherVersion: a manifest that was signed is not taken for
// that of a version that it does not name.
func TestManifestOfAnotherVersion(t *testing.T) {
	published := publish(t)
	stable, nightly := filepath.Join(published.Dir, "versions", older), filepath.Join(published.Dir, "versions", newer)
	content, err := os.ReadFile(filepath.Join(nightly, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, published.Dir)
	if err := os.WriteFile(filepath.Join(stable, "manifest.json"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	choice := r.resolve("nightly")
	choice.Version = older
	_, _, err = r.Manifest(t.Context(), choice)
	if want := "the manifest of version " + older + " is that of version " + newer; err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestSide: a version is described by its signed files, and by nothing else.
func TestSide(t *testing.T) {
	s := serve(t, location(t))
	r := read(t, s.URL)
	side, err := r.Side(t.Context(), r.resolve("nightly"))
	if err != nil {
		t.Fatal(err)
	}
	created, _ := time.Parse(time.DateOnly, newer)
	if side.Name != newer || !side.Created.Equal(created) || len(side.Variants) != 2 {
		t.Fatalf("%+v", side)
	}
	if got := side.Variants[1]; got.Name != "production" || got.Packages[0].Version != "5.36."+newer || got.Updates[older] == 0 {
		t.Errorf("%+v", got)
	}
	index, err := side.Variants[1].Index()
	if err != nil || index.Disk.Size != 8<<20 {
		t.Fatalf("%+v, %v", index, err)
	}
	if err := index.Close(); err != nil {
		t.Error(err)
	}
	s.spoil("packages.txt$", faulty.Altered)
	if _, err := r.Side(t.Context(), r.resolve("nightly")); !errors.As(err, new(*MismatchError)) {
		t.Errorf("altered packages: %v", err)
	}
}
