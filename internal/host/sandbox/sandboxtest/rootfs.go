// Package sandboxtest makes small root file systems, for the tests of whatever
// runs programs in one.
package sandboxtest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// RootFS returns a tar of a root file system with some of this host's programs,
// the libraries that they need, and files. The keys of files are absolute
// paths; what begins with "#!" can be run.
func RootFS(t testing.TB, programs []string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		makeDir(t, filepath.Join(dir, "usr", name))
		if err := os.Symlink("usr/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dev", "etc", "proc", "root", "run", "tmp", "var/tmp"} {
		makeDir(t, filepath.Join(dir, name))
	}
	for from, to := range places(t, programs) {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), content, 0o755)
	}
	for path, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		write(t, filepath.Join(dir, path), []byte(text), mode)
	}
	tar := filepath.Join(t.TempDir(), "rootfs.tar")
	output(t, "tar", "--owner=0", "--group=0", "-C", dir, "-cf", tar, ".")
	return tar
}

// library is the path of a library in a line of ldd.
var library = regexp.MustCompile(`(?m)(?:=> |^\s*)(/\S+) \(0x`)

// places says where each file of the programs on this host belongs.
func places(t testing.TB, programs []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range programs {
		path, err := command.Look(name)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = "/usr/bin/" + name
	}
	for _, match := range library.FindAllStringSubmatch(output(t, "ldd", slices.Sorted(maps.Keys(found))...), -1) {
		found[match[1]] = "/usr/" + strings.TrimPrefix(strings.TrimPrefix(match[1], "/"), "usr/")
	}
	return found
}

func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := command.Output(t.Context(), command.Cmd{Name: name, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func makeDir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// write writes through links of the root file system itself, which are relative.
func write(t testing.TB, path string, content []byte, mode os.FileMode) {
	t.Helper()
	makeDir(t, filepath.Dir(path))
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
}
