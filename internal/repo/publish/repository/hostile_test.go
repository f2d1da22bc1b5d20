package repository

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg/qemuimgtest"
)

// An image from outside, with a manifest that fits, does not make a publisher
// give away files of its host.
func TestPublishRefusesHostileImages(t *testing.T) {
	for name, path := range qemuimgtest.Hostile(t) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			dir := filepath.Join(t.TempDir(), "out")
			makeImage(t, dir, "distribution", "hostile", 16)
			swapDisk(t, dir, path)
			_, err := b.Publish(t.Context(), Release{Directories: []string{dir}, Channel: "nightly"})
			var refused *qemuimg.RefusedError
			if !errors.As(err, &refused) {
				t.Errorf("%v is not a RefusedError", err)
			}
			for file := range b.tree(".") {
				content, err := os.ReadFile(filepath.Join(b.dir, file))
				if err != nil || strings.Contains(string(content), qemuimgtest.Secret) || strings.Contains(file, "versions/") {
					t.Errorf("%s was published, %v", file, err)
				}
			}
		})
	}
}

// swapDisk puts another file in the place of an image's disk, as its manifest
// says.
func swapDisk(t *testing.T, dir, path string) {
	t.Helper()
	facts, err := manifest.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range facts.Files {
		if file.Role != manifest.Disk {
			continue
		}
		to := filepath.Join(dir, file.Name)
		if err := errors.Join(os.Remove(to), os.Rename(path, to)); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err == nil && info.Mode().IsRegular() {
			if facts.Files[i].Size, facts.Files[i].SHA256, err = manifest.DigestFile(to, func(int64, int64) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	content, err := json.Marshal(facts)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, manifest.FileName), content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
