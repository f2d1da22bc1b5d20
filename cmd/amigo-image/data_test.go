package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/repositorytest"
)

// TestDataApart: who uses images whose data are on a disk of their own need not know of it.
func TestDataApart(t *testing.T) {
	repo := repositorytest.New(t, time.Now().Add(-time.Hour))
	repo.Data = "2026-10-07"
	repo.Add("stable", "2026-11-20", "distribution", manifest.DataVariant)
	repo.Add("nightly", "2026-11-21", "distribution", manifest.DataVariant)
	p := newPerson(t)
	says := func(line string, want ...string) string {
		t.Helper()
		status, out, errs := p.types(line)
		if status != 0 {
			t.Fatalf("%s: %d\n%s%s", line, status, out, errs)
		}
		for _, text := range want {
			if !strings.Contains(out+errs, text) {
				t.Errorf("%s: no %q in\n%s%s", line, text, out, errs)
			}
		}
		return out
	}
	says("amigo-image pull "+repo.Dir+" stable --dry-run", "stable is 2026-11-20   ", "2026-11-20/data   the data, GO data 2026-10-07")
	says("amigo-image pull "+repo.Dir+" stable", "2026-11-20/data   the data", "next: amigo-image run stable")
	says("amigo-image pull stable", "stable is 2026-11-20, which is here already")
	says("amigo-image pull nightly", "you have 2026-11-20/data, which is the same: nothing to download")
	list := says("amigo-image list")
	if strings.Contains(list, "/data") || strings.Count(list, "\n") != 3 {
		t.Errorf("the list shows more than two versions:\n%s", list)
	}
	says("amigo-image info nightly", "data         on a disk of their own, the variant data", "data         the same as in 2026-11-20")
	says("amigo-image diff stable nightly", "2026-10-07")
	says("amigo-image verify nightly", "2026-11-21/data", "VERIFIED")
	says("amigo-image verify "+filepath.Join(repo.Dir, "versions/2026-11-20/amigo-2026-11-20-data.qcow2"), "VERIFIED")
	if out := says("amigo-image gc --dry-run"); strings.Contains(out, "data") {
		t.Errorf("what is needed can go:\n%s", out)
	}
	disk := filepath.Join(p.store(), "images", "2026-11-21", "data", "disk.raw")
	if err := os.Remove(disk); err != nil {
		t.Fatal(err)
	}
	says("amigo-image rm 2026-11-21", "removed 2026-11-21,", "removed 2026-11-21/data,")
	says("amigo-image verify 2026-11-20/data", "VERIFIED")
}

// TestRunWithoutData: an image that is a file needs the disk with its data beside it.
func TestRunWithoutData(t *testing.T) {
	dir := repositorytest.Images(t, "2026-11-20", "2026-10-07", "distribution", manifest.DataVariant)
	p := newPerson(t)
	if err := os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "distribution", "amigo-distribution.qcow2")
	parts := p.fails("amigo-image run "+file, 25, "the data of amigo-distribution.qcow2 are on a disk of their own")
	if !strings.Contains(parts["try"], "--data FILE") {
		t.Errorf("%q", parts)
	}
	p.fails("amigo-image run "+file+" --data /missing.qcow2", 25, "there is no file /missing.qcow2")
}
