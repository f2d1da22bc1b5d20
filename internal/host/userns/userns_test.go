package userns

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
)

// nobody is an ordinary user that every host has, and that is no one's login.
const nobody = 65534

// ordinary goes on as an ordinary user, and returns as whom the test was before.
// A test that root runs becomes nobody: what it starts cannot go back.
func ordinary(t *testing.T) (back func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func() {}
	}
	if err := syscall.Setresuid(nobody, nobody, 0); err != nil {
		t.Fatal(err)
	}
	back = func() {
		if err := syscall.Setresuid(0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(back)
	return back
}

// openDir returns a temporary directory that others can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCommand runs a program as root, whoever we are.
func TestCommand(t *testing.T) {
	if os.Geteuid() == 0 {
		direct := Command("id", "-u")
		if direct.Name != "id" || !slices.Equal(direct.Args, []string{"-u"}) {
			t.Errorf("of root: %s", direct)
		}
	}
	back := ordinary(t)
	cmd := Command("sh", "-c", "id -u")
	back()
	if cmd.String() != "unshare --map-root-user --map-auto sh -c 'id -u'" {
		t.Errorf("of an ordinary user: %s", cmd)
	}
	for _, cmd := range []command.Cmd{Command("id", "-u"), {Name: "sh", Args: []string{"-c", subordinate, "sh", cmd.String()}}} {
		out, err := command.Output(t.Context(), cmd)
		if err != nil || strings.TrimSpace(string(out)) != "0" {
			t.Errorf("%s: %q, %v", cmd, out, err)
		}
	}
}

// subordinate runs a command line as an ordinary user that has subordinate ids.
// If root runs it, that is nobody, to whom ids are given where nobody else sees
// them.
const subordinate = `[ "$(id -u)" = 0 ] || exec sh -c "$1"
exec unshare --mount sh -eu -c '
    ids=$(mktemp)
    echo "nobody:200000:65536" >"$ids"
    chmod 644 "$ids"
    mount --bind "$ids" /etc/subuid
    mount --bind "$ids" /etc/subgid
    rm "$ids"
    exec setpriv --reuid=nobody --regid=65534 --clear-groups sh -c "$1"' sh "$1"`

func TestRemoveAll(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is not there is removed
		if err := RemoveAll(filepath.Join(dir, "a")); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("more was removed than what was to be: %v", err)
	}
}

// TestRemoveAllOfSubordinates: an ordinary user gets rid of what a program left
// that worked with the user's subordinate ids. A test that root runs runs itself
// again as an ordinary user.
func TestRemoveAllOfSubordinates(t *testing.T) {
	if os.Geteuid() == 0 {
		program := filepath.Join(openDir(t), "test") // Go's own is where nobody else gets
		content, err := os.ReadFile(os.Args[0])
		if err == nil {
			err = executable.Write(program, content)
		}
		if err != nil {
			t.Fatal(err)
		}
		again := command.Cmd{Name: program, Args: []string{"-test.v", "-test.run=^TestRemoveAllOfSubordinates$"}}
		out, err := command.Output(t.Context(), command.Cmd{Name: "sh", Args: []string{"-c", subordinate, "sh", again.String()}})
		if err != nil || !strings.Contains(string(out), "--- PASS: ") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "left")
	cmd := Command("sh", "-eu", "-c", `mkdir -p "$1/closed/more"; chown -R 1:1 "$1/closed"; chmod 700 "$1/closed"`, "sh", dir)
	if err := command.Run(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("it is not somebody else's: %v", err)
	}
	if err := RemoveAll(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// TestRemoveAllOfOthers: what belongs to somebody else stays, and the error
// says so.
func TestRemoveAllOfOthers(t *testing.T) {
	dir := filepath.Join(openDir(t), "others")
	if os.Geteuid() != 0 {
		dir = "/proc/1/fd" // an ordinary user has nothing of root's to make
	} else if err := errors.Join(os.MkdirAll(filepath.Join(dir, "closed", "file"), 0o700), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	back := ordinary(t)
	err := RemoveAll(dir)
	back()
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}
