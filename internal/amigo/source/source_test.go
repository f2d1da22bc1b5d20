package source

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// write makes a directory with everything that an AmiGO has.
func write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "amigo")
	for _, name := range demanded {
		put(t, dir, name, name)
	}
	put(t, dir, "package.json", `{"version": "2.5.17"}`)
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := command.Output(t.Context(), command.Cmd{Name: name, Args: args, Dir: dir, Env: []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func history(t *testing.T) (dir, commit string) {
	t.Helper()
	dir = write(t)
	run(t, dir, "git", "init", "-q", "-b", "main")
	run(t, dir, "git", "add", "-A")
	run(t, dir, "git", "commit", "-q", "-m", "first")
	run(t, dir, "git", "tag", "-a", "-m", "v1", "v1")
	return dir, run(t, dir, "git", "rev-parse", "HEAD")
}

func TestDirectory(t *testing.T) {
	dir := write(t)
	tree, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir})
	if err != nil || tree.Version != "2.5.17" || tree.Commit != "" || tree.Origin != "amigo" {
		t.Fatalf("%+v, %v", tree, err)
	}
	for _, name := range []string{
		"conf/amigo.yaml", "perl/bin/config.pl", "perl/bin/xrefs.json", "node_modules/a/b.js",
		"javascript/staging/TermDetails.js", "javascript/npm/amigo2-instance-data/lib/data/server.js", ".git/HEAD",
	} {
		put(t, dir, name, "made by a build")
	}
	again, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir})
	if err != nil || again.Digest != tree.Digest {
		t.Errorf("what a build makes changes the digest: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "scripts/version.pl"), 0o755); err != nil {
		t.Fatal(err)
	}
	again, err = Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir})
	if err != nil || again.Digest == tree.Digest {
		t.Errorf("a mode does not change the digest: %v", err)
	}
}

func TestNotAmiGO(t *testing.T) {
	dir := write(t)
	for _, name := range []string{"scripts/version.pl", "install"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: dir})
	var not *NotAmiGOError
	if !errors.As(err, &not) || !strings.HasSuffix(err.Error(), "is not AmiGO's source: it lacks install, scripts/version.pl") {
		t.Error(err)
	}
	_, err = Get(t.Context(), cache.At(t.TempDir()), Spec{Location: t.TempDir()})
	if err == nil || !strings.HasSuffix(err.Error(), "it lacks package.json, install and 9 more") {
		t.Error(err)
	}
}

func TestGit(t *testing.T) {
	dir, commit := history(t)
	c := cache.At(t.TempDir())
	for _, ref := range []string{"", "main", "v1", commit} {
		tree, err := Get(t.Context(), c, Spec{Location: "file://" + dir, Ref: ref})
		if err != nil || tree.Commit != commit || tree.Origin != "amigo" {
			t.Errorf("ref %q: %+v, %v", ref, tree, err)
		}
		if _, err := os.Stat(filepath.Join(tree.Dir, ".git")); err == nil {
			t.Error("the history is in the source")
		}
	}
	tree, err := Get(t.Context(), c, Spec{Location: dir})
	if err != nil || tree.Commit != commit {
		t.Errorf("as a directory: %+v, %v", tree, err)
	}
	put(t, dir, "install", "changed")
	if tree, err = Get(t.Context(), c, Spec{Location: dir}); err != nil || tree.Commit != commit+"-dirty" {
		t.Errorf("with a change: %+v, %v", tree, err)
	}
	if _, err = Get(t.Context(), c, Spec{Location: dir, Ref: "nowhere"}); err == nil || !strings.Contains(err.Error(), "no branch or tag nowhere") {
		t.Error(err)
	}
}

// TestOldServer gets a commit that no ref names from a server that gives none
// by its name, as those did before the protocol's second version.
func TestOldServer(t *testing.T) {
	dir, commit := history(t)
	put(t, dir, "install", "changed")
	run(t, dir, "git", "commit", "-q", "-a", "-m", "second")
	run(t, dir, "git", "tag", "-d", "v1")
	t.Setenv("GIT_CONFIG_PARAMETERS", "'protocol.version'='0' 'init.defaultBranch'='main'")
	tree, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: "file://" + dir, Ref: commit})
	if err != nil || tree.Commit != commit {
		t.Errorf("%+v, %v", tree, err)
	}
}

func TestUnreachableGit(t *testing.T) {
	_, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: "http://user:secret@127.0.0.1:1/amigo.git?key=secret"})
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) {
		t.Fatalf("%v is not an UnreachableError", err)
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "user") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Get(ctx, cache.At(t.TempDir()), Spec{Location: "http://127.0.0.1:1/amigo.git"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestArchives(t *testing.T) {
	dir := write(t)
	tarball := filepath.Join(t.TempDir(), "amigo-2.5.17.tar.gz")
	run(t, filepath.Dir(dir), "tar", "-czf", tarball, "amigo")
	zipped := filepath.Join(t.TempDir(), "amigo.zip")
	pack(t, dir, zipped)
	for _, file := range []string{tarball, zipped} {
		sum, err := fetch.Sum(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Location: file, Checksum: "sha256:" + sum})
		if err != nil || tree.Version != "2.5.17" || tree.Origin != filepath.Base(file) {
			t.Errorf("%+v, %v", tree, err)
		}
		_, err = Get(t.Context(), cache.At(t.TempDir()), Spec{Location: file, Checksum: "sha256:" + strings.Repeat("0", 64)})
		var wrong *fetch.ChecksumError
		if !errors.As(err, &wrong) {
			t.Errorf("with a wrong checksum: %v", err)
		}
	}
}

func pack(t *testing.T, dir, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestValidate(t *testing.T) {
	dir := write(t)
	for _, test := range []struct {
		spec  Spec
		fault string
	}{
		{Spec{Location: dir}, ""},
		{Spec{Location: "https://example.org/amigo.git", Ref: "master"}, ""},
		{Spec{Location: "git@example.org:amigo.git"}, ""},
		{Spec{Location: "https://example.org/a.tar.gz", Checksum: "sha256:" + strings.Repeat("a", 64)}, ""},
		{Spec{Location: "https://example.org/a.tar.gz?sig=abc", Checksum: "sha256:" + strings.Repeat("a", 64)}, ""},
		{Spec{Location: "https://example.org/a.git?file=a.zip", Ref: "main"}, ""},
		{Spec{}, "Source: is missing"},
		{Spec{Location: "/nowhere/at/all"}, "no such directory"},
		{Spec{Location: filepath.Join(dir, "install")}, "neither a directory nor an archive"},
		{Spec{Location: "https://example.org/a.tar.gz"}, "Source.Checksum: is missing"},
		{Spec{Location: "https://example.org/a.zip", Checksum: "sha256:abc"}, "64 hexadecimal digits"},
		{Spec{Location: dir, Checksum: "sha256:" + strings.Repeat("a", 64)}, "only an archive has a checksum"},
		{Spec{Location: "https://example.org/a.zip", Ref: "main", Checksum: "sha256:" + strings.Repeat("a", 64)}, "only a git repository has refs"},
		{Spec{Location: t.TempDir()}, "is not AmiGO's source"},
	} {
		err := Validate(test.spec)
		if test.fault == "" && err != nil || test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)) {
			t.Errorf("%+v: %v, want %q", test.spec, err, test.fault)
		}
	}
}
