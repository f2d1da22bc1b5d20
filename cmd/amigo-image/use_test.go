package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// TestUse runs the commands for people who use images, against a small
// repository that a real web server shows: stable is 2026-11-15, nightly
// 2026-11-22, which has the first half of the disk in common with it.
func TestUse(t *testing.T) {
	dir := makeRepository(t)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/use",
		Setup: func(e *testscript.Env) error {
			passCoverage(e)
			for name, value := range map[string]string{
				"HOME": e.WorkDir, "XDG_CACHE_HOME": filepath.Join(e.WorkDir, "cache"),
				"XDG_DATA_HOME": filepath.Join(e.WorkDir, "data"), "XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"),
				"STORE": filepath.Join(e.WorkDir, "data", "amigo-image"),
				"URL":   server.URL, "REPOSITORY": dir, "AWAY": "http://127.0.0.1:1",
			} {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status, "spoil": spoil, "age": age,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// spoil changes a byte in the middle of a file.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	ts.Check(err)
	at := make([]byte, 1)
	_, err = f.ReadAt(at, info.Size()/2)
	ts.Check(err)
	at[0] ^= 1
	_, err = f.WriteAt(at, info.Size()/2)
	ts.Check(errors.Join(err, f.Close()))
}

// age makes an image look as if it was last used 40 days ago.
func age(ts *testscript.TestScript, _ bool, args []string) {
	then := time.Now().Add(-40*24*time.Hour - time.Hour)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), then, then))
}

// makeRepository publishes two versions, and returns where.
func makeRepository(t *testing.T) string {
	t.Helper()
	return publishTwo(t, time.Now().Add(-time.Hour)).dir
}

// publishTwo publishes two versions, the first of them at a time.
func publishTwo(t *testing.T, now time.Time) *shifting {
	t.Helper()
	both := []string{"distribution", "production"}
	return publishVariants(t, now, both, both)
}

// publishVariants is [publishTwo] with the variants of each version.
func publishVariants(t *testing.T, now time.Time, first, second []string) *shifting {
	t.Helper()
	ring, err := tuf.CreateRing(filepath.Join(t.TempDir(), "keys"), tuf.Setup{Channels: []string{"stable", "nightly"}}, tuf.DefaultPolicy(), now)
	if err != nil {
		t.Fatal(err)
	}
	s := &shifting{dir: t.TempDir(), ring: ring, now: now}
	r, err := repository.Open(t.Context(), s.dir, ring, repository.Options{By: "me@example.org", Now: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for _, one := range []struct {
		version, channel, date string
		variants               []string
	}{{"2026-11-15", "stable", "2026-10-10", first}, {"2026-11-22", "nightly", "2026-11-21", second}} {
		output := t.TempDir()
		for _, variant := range one.variants {
			makeImage(t, filepath.Join(output, variant), variant, one.version, one.date)
		}
		if _, err := r.Publish(t.Context(), repository.Release{Directories: []string{output}, Channel: one.channel, Version: one.version}); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(time.Hour)
	}
	return s
}

// makeImage makes the directory of an image: a disk of 64 MiB with two of
// noise, the first of which is the same in every version.
func makeImage(t *testing.T, dir, variant, version, date string) {
	t.Helper()
	raw, disk := filepath.Join(dir, "disk.raw"), filepath.Join(dir, "amigo-"+variant+".qcow2")
	content := append(noise(variant), noise(variant+version)...)
	err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(raw, content, 0o644), os.Truncate(raw, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	convert := command.Cmd{Name: "qemu-img", Args: []string{"convert", "-q", "-f", "raw", "-O", "qcow2", raw, disk}}
	if err := errors.Join(command.Run(context.Background(), convert), os.Remove(raw)); err != nil {
		t.Fatal(err)
	}
	size, digest, err := manifest.DigestFile(disk, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	created, err := time.Parse(time.DateOnly, version)
	if err != nil {
		t.Fatal(err)
	}
	history := commits(version)
	list := []byte(manifest.FormatCommits(history))
	if err := os.WriteFile(filepath.Join(dir, manifest.CommitsName), list, 0o644); err != nil {
		t.Fatal(err)
	}
	facts := manifest.Manifest{
		Name: "amigo-" + variant, Variant: variant, Version: "2.5.17", Created: created,
		Files: []manifest.File{
			{Name: filepath.Base(disk), Role: manifest.Disk, Format: "qcow2", Size: size, VirtualSize: 64 << 20, SHA256: digest},
			{Name: manifest.CommitsName, Role: manifest.CommitList, Size: int64(len(list)), SHA256: manifest.Digest(list)},
		},
		AmiGO:  manifest.AmiGO{Version: "2.5.17", Commit: history[0].ID, Serve: "workers"},
		GOlr:   manifest.GOlr{Documents: 12, Date: date, DOI: "10.1234/example." + version},
		System: manifest.System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1"},
		Tool:   manifest.Tool{Name: "amigo-image", Version: "0"},
	}
	if _, err := manifest.Write(dir, facts, []manifest.Package{{Name: "perl", Version: "5.36", Architecture: "amd64"}}); err != nil {
		t.Fatal(err)
	}
}

// commits returns the history of a version's AmiGO: the newer one has two more
// commits, one of them a merge.
func commits(version string) []manifest.Commit {
	id := func(digit string) string { return strings.Repeat(digit, 40) }
	all := []manifest.Commit{
		{ID: id("8"), Date: "2026-11-20", Parents: []string{id("1"), id("7")}, Subject: "Merge branch 'footer'"},
		{ID: id("7"), Date: "2026-11-19", Parents: []string{id("1")}, Subject: "Update the <b>footer</b>"},
		{ID: id("1"), Date: "2026-11-10", Subject: "first"},
	}
	if version == "2026-11-15" {
		return all[2:]
	}
	return all
}

// noise returns a mebibyte that the seed decides.
func noise(seed string) []byte {
	content := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(content)
	return content
}
