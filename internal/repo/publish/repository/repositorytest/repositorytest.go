// Package repositorytest publishes small image repositories, for the tests of
// those who read them.
package repositorytest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// diskSize is the virtual size of a disk, and noiseSize that of each of the two
// parts that are not a hole, in bytes.
const (
	diskSize  = 8 << 20
	noiseSize = 1 << 20
)

// Repository is a repository in a directory, with the channels "stable" and
// "nightly".
type Repository struct {
	*repository.Repository
	Dir string
	// Data is what images of data are made of from now on; "": each of its version.
	Data string
	// Same are the versions of which images of a variant are from now on, where that is not
	// their own.
	Same map[string]string

	t   testing.TB
	now time.Time
}

// New begins a repository at a time, without a version. Each publication takes
// place a minute after the one before.
func New(t testing.TB, now time.Time) *Repository {
	t.Helper()
	channels := tuf.Setup{Channels: []string{"stable", "nightly"}}
	ring, err := tuf.CreateRing(filepath.Join(t.TempDir(), "keys"), channels, tuf.DefaultPolicy(), now)
	if err != nil {
		t.Fatal(err)
	}
	r := &Repository{Dir: t.TempDir(), t: t, now: now}
	options := repository.Options{By: "me@example.org", Now: func() time.Time { return r.now }}
	if r.Repository, err = repository.Open(t.Context(), r.Dir, ring, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// Add publishes a version, which is a date, with images of the variants.
func (r *Repository) Add(channel, version string, variants ...string) {
	r.t.Helper()
	output := images(r.t, version, cmp.Or(r.Data, version), r.Same, variants...)
	release := repository.Release{Directories: []string{output}, Channel: channel, Version: version}
	if _, err := r.Publish(r.t.Context(), release); err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
}

// Images makes a directory with images of a version, as a build leaves them. If one of them
// has data, they are made of what data says, and the others serve them.
func Images(t testing.TB, version, data string, variants ...string) (dir string) {
	t.Helper()
	return images(t, version, data, nil, variants...)
}

func images(t testing.TB, version, data string, same map[string]string, variants ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if !slices.Contains(variants, manifest.DataVariant) {
		data = ""
	}
	for _, variant := range variants {
		makeImage(t, filepath.Join(dir, variant), variant, version, cmp.Or(same[variant], version), data)
	}
	return dir
}

// Disk returns the raw disk of an image: noise that all versions have in
// common, noise of its own, and a hole.
func Disk(variant, version string) []byte {
	disk := make([]byte, diskSize)
	for i, seed := range []string{variant, variant + version} {
		key := sha256.Sum256([]byte(seed))
		_, _ = rand.NewChaCha8(key).Read(disk[i*noiseSize : (i+1)*noiseSize])
	}
	return disk
}

// makeImage makes the directory of an image, as a build leaves it. content is what its disk is
// made of, and data what its data are, if they are apart.
func makeImage(t testing.TB, dir, variant, version, content, data string) {
	t.Helper()
	created, err := time.Parse(time.DateOnly, version)
	if err != nil {
		t.Fatal(err)
	}
	if variant == manifest.DataVariant {
		content = data
	}
	disk := convert(t, dir, variant, content)
	facts := manifest.Manifest{
		Name: "amigo-" + variant, Variant: variant, Version: "2.5.17", Created: created, Files: []manifest.File{disk},
		AmiGO:  manifest.AmiGO{Version: "2.5.17", Commit: manifest.Digest([]byte(version))[:40], Serve: "workers"},
		System: manifest.System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1"},
		Tool:   manifest.Tool{Name: "amigo-image", Version: "0"},
	}
	if data != "" {
		facts.GOlr = manifest.GOlr{Documents: 42, Date: data, On: manifest.OnData, Schema: "5c4e3a"}
	}
	if variant == manifest.DataVariant {
		facts.AmiGO, facts.System, facts.Version = manifest.AmiGO{}, manifest.System{}, ""
		if _, err := manifest.WriteData(dir, facts); err != nil {
			t.Fatal(err)
		}
		return
	}
	packages := []manifest.Package{{Name: "perl", Version: "5.36." + version, Architecture: "amd64"}}
	if _, err := manifest.Write(dir, facts, packages); err != nil {
		t.Fatal(err)
	}
}

// convert writes an image's disk as a qcow2 file and describes it.
func convert(t testing.TB, dir, variant, version string) manifest.File {
	t.Helper()
	raw, disk := filepath.Join(dir, "disk.raw"), filepath.Join(dir, "amigo-"+variant+".qcow2")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(raw, Disk(variant, version), 0o644)); err != nil {
		t.Fatal(err)
	}
	cmd := command.Cmd{Name: "qemu-img", Args: []string{"convert", "-q", "-f", "raw", "-O", "qcow2", raw, disk}}
	if err := errors.Join(command.Run(context.Background(), cmd), os.Remove(raw)); err != nil {
		t.Fatal(err)
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return manifest.File{
		Name: filepath.Base(disk), Role: manifest.Disk, Format: "qcow2",
		Size: size, VirtualSize: diskSize, SHA256: digest,
	}
}
