package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox/sandboxtest"
)

// programs are what the tests' scripts call.
var programs = []string{"sh", "cat", "ls", "sleep", "readlink"}

// open returns a sandbox of a small root file system with files.
func open(t *testing.T, files map[string]string) *Sandbox {
	t.Helper()
	box, err := Open(t.Context(), cache.At(t.TempDir()), sandboxtest.RootFS(t, programs, files))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// run runs a task and returns what it printed.
func run(t *testing.T, box *Sandbox, task Task) string {
	t.Helper()
	var out strings.Builder
	task.Output = &out
	if err := box.Run(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpen: a tar is unpacked once, without what was in its /dev, and another
// tar at the same place is another root file system.
func TestOpen(t *testing.T) {
	tar, c := sandboxtest.RootFS(t, programs, map[string]string{"/etc/name": "one", "/dev/left": "x"}), cache.At(t.TempDir())
	first, err := Open(t.Context(), c, tar)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(first.root, "dev", "left")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was in /dev is there: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(tar, link); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(t.Context(), c, link); err != nil || again.root != first.root || again.Digest() != first.Digest() {
		t.Errorf("through a link it is another: %+v, %v", again, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "rootfs.tar")
	if content, err := os.ReadFile(tar); err != nil || os.WriteFile(elsewhere, content, 0o644) != nil {
		t.Fatal(err)
	}
	if copied, err := Open(t.Context(), cache.At(t.TempDir()), elsewhere); err != nil || copied.Digest() != first.Digest() {
		t.Errorf("on another host it is another: %+v, %v", copied, err)
	}
	if err := os.Rename(sandboxtest.RootFS(t, programs, map[string]string{"/etc/name": "the other"}), tar); err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), c, tar)
	if err != nil || other.Digest() == first.Digest() {
		t.Fatalf("another tar has the same digest: %v", err)
	}
	if got := run(t, other, Task{Script: "cat /etc/name"}); got != "the other" {
		t.Errorf("it has the files of %q", got)
	}
}

func TestOpenFails(t *testing.T) {
	dir, c := t.TempDir(), cache.At(t.TempDir())
	if _, err := Open(t.Context(), c, filepath.Join(dir, "missing.tar")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tar that is not there: %v", err)
	}
	_, err := Open(t.Context(), c, write(t, filepath.Join(dir, "text.tar"), "not a tar"))
	if err == nil || !strings.HasPrefix(err.Error(), "unpacking a root file system: tar: ") {
		t.Errorf("a text: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Path(), "sandbox", "*.partial")); len(left) > 0 {
		t.Errorf("%s is left", left)
	}
	t.Setenv("PATH", dir)
	missing := new(command.MissingError)
	if _, err := Open(t.Context(), c, dir); !errors.As(err, &missing) || missing.Package != "bubblewrap" {
		t.Errorf("a host without bubblewrap: %v", err)
	}
}

// TestRun says what a script sees of the world: the root file system, which it
// cannot change, its environment and nothing of ours.
func TestRun(t *testing.T) {
	t.Setenv("OURS", "secret")
	box := open(t, map[string]string{"/etc/name": "guest", "/usr/local/bin/greet": "#!/bin/sh\necho hello\n"})
	for name, c := range map[string]struct {
		task Task
		want string
	}{
		"its files":           {Task{Script: "cat /etc/name"}, "guest"},
		"its programs":        {Task{Script: "greet"}, "hello"},
		"its directory":       {Task{Script: "pwd"}, "/"},
		"another directory":   {Task{Script: "pwd", Dir: "/etc"}, "/etc"},
		"its environment":     {Task{Script: `echo "$WORD $HOME ${OURS-none}"`, Env: []string{"WORD=a=b c"}}, "a=b c /root none"},
		"a read-only system":  {Task{Script: "echo x 2>/dev/null >/etc/x || echo refused"}, "refused"},
		"room for its own":    {Task{Script: "echo x >/tmp/x; echo y >/root/y; cat /tmp/x /root/y"}, "x\ny"},
		"no network":          {Task{Script: "while read -r name rest; do case $name in *:) echo $name ;; esac; done </proc/net/dev"}, "lo:"},
		"no other processes":  {Task{Script: "ls -d /proc/[0-9]* | { n=0; while read -r p; do n=$((n + 1)); done; [ $n -lt 6 ] && echo few; }"}, "few"},
		"both of its streams": {Task{Script: "echo one; echo two >&2"}, "one\ntwo"},
	} {
		if got := run(t, box, c.task); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestFailure: a script ends with its first command that fails, and the error
// has its last lines, whether somebody reads its output or not.
func TestFailure(t *testing.T) {
	box := open(t, nil)
	for _, out := range []*strings.Builder{nil, new(strings.Builder)} {
		task := Task{Script: "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i; done; cat /missing; echo never"}
		if out != nil {
			task.Output = out
		}
		err := box.Run(t.Context(), task)
		var failed *ScriptError
		if !errors.As(err, &failed) {
			t.Fatalf("%v", err)
		}
		lines := strings.Split(failed.Error(), "\n")
		if len(lines) != lastWords || lines[0] != "line 3" || !strings.Contains(lines[lastWords-1], "/missing") {
			t.Errorf("its last words are %q", lines)
		}
		if exit := new(command.ExitError); !errors.As(err, &exit) || exit.Code != 1 {
			t.Errorf("the exit status is lost: %v", err)
		}
		if out != nil && !strings.HasPrefix(out.String(), "line 1\n") {
			t.Errorf("its output is %q", out)
		}
	}
}

// TestCancel: a script that was cancelled did not fail by itself.
func TestCancel(t *testing.T) {
	box := open(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := box.Run(ctx, Task{Script: "sleep 600"})
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*ScriptError)) {
		t.Errorf("%v", err)
	}
}

// TestBinds: a task sees files and directories of the host under other paths,
// and writes to none that it is not given for that.
func TestBinds(t *testing.T) {
	dir, box := t.TempDir(), open(t, nil)
	input, result := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	write(t, filepath.Join(input, "a"), "from the host")
	write(t, filepath.Join(result, "b"), "")
	file := write(t, filepath.Join(dir, "file"), "a file")
	task := Task{
		Binds: []Bind{{Host: input, Guest: "/mnt/in"}, {Host: result, Guest: "/mnt/out", Writable: true}, {Host: file, Guest: "/srv/deep/file"}},
		Script: `cat /mnt/in/a >/mnt/out/copy
for path in /mnt/in/new /srv/deep/file; do
    if (echo x >$path) 2>/dev/null; then echo "wrote $path"; fi
done
cat /srv/deep/file`,
	}
	for range 2 { // the second time the places for them are there
		if got := run(t, box, task); got != "a file" {
			t.Errorf("it printed %q", got)
		}
	}
	if copied, err := os.ReadFile(filepath.Join(result, "copy")); err != nil || string(copied) != "from the host" {
		t.Errorf("%q, %v", copied, err)
	}
	err := box.Run(t.Context(), Task{Binds: []Bind{{Host: filepath.Join(dir, "missing"), Guest: "/mnt/x"}}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what is not there: %v", err)
	}
	err = box.Run(t.Context(), Task{Binds: []Bind{{Host: file, Guest: "/usr/bin"}}})
	if err == nil || !strings.HasPrefix(err.Error(), "entering a root file system: ") {
		t.Errorf("a file in the place of a directory: %v", err)
	}
}

// TestNetwork: with the network comes what finds the way in it. Without, no
// setting of the host's is seen.
func TestNetwork(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, ".npmrc"), "registry=https://npm.example.org/")
	t.Setenv("HOME", home)
	t.Setenv("https_proxy", "http://proxy.example.org:3128")
	box := open(t, map[string]string{"/etc/resolv.conf": "", "/etc/ssl/certs/ca-certificates.crt": ""})
	const script = `echo "$NODE_EXTRA_CA_CERTS $https_proxy"; cat /root/.npmrc; echo; cat /etc/resolv.conf; readlink /proc/self/ns/net`
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	want := trustStore + " http://proxy.example.org:3128\nregistry=https://npm.example.org/\n" + string(resolv) + ours
	if got := run(t, box, Task{Script: script, Network: true}); got != want {
		t.Errorf("with the network %q, want %q", got, want)
	}
	const nothing = `[ -z "${https_proxy-}" ]; [ ! -e /root/.npmrc ]; [ ! -s /etc/resolv.conf ]; readlink /proc/self/ns/net`
	if got := run(t, box, Task{Script: nothing}); got == ours {
		t.Error("without the network it is the host's")
	}
}

// TestResolvConf: the host's name servers are put where the root file system
// looks for them.
func TestResolvConf(t *testing.T) {
	for link, want := range map[string]string{
		"": "/etc/resolv.conf",
		"../run/systemd/resolve/stub-resolv.conf": "/run/systemd/resolve/stub-resolv.conf",
		"/run/resolv.conf":                        "/run/resolv.conf",
	} {
		box := &Sandbox{root: t.TempDir()}
		path := write(t, filepath.Join(box.root, "etc", "resolv.conf"), "")
		if link != "" {
			if err := errors.Join(os.Remove(path), os.Symlink(link, path)); err != nil {
				t.Fatal(err)
			}
		}
		if got := box.resolvConf(); got != want {
			t.Errorf("a link to %q: %s, want %s", link, got, want)
		}
	}
}
