// Package sandbox runs scripts natively in a guest's own root file system,
// entered with namespaces. What is heavy is done there and not in an emulated
// guest; the programs are the same, so the results are.
package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// lastWords is how many lines of a failed script's output its error carries.
const lastWords = 10

// trustStore is where Debian keeps all trusted certificates in one file.
const trustStore = "/etc/ssl/certs/ca-certificates.crt"

// Sandbox is an unpacked root file system.
type Sandbox struct {
	root   string
	digest string
}

// Bind is a file or directory of the host that a task sees.
type Bind struct {
	Host, Guest string // absolute paths
	Writable    bool
}

// Task is a script to run.
type Task struct {
	Script string // run with "sh -eu"
	Binds  []Bind
	Env    []string // KEY=value
	Dir    string   // "/"
	// Network lets the script use the host's network, its name servers, its
	// trusted certificates and root's settings of npm. Without it there is a
	// loopback interface of the sandbox's own.
	Network bool
	Output  io.Writer // standard output and error; nil: only kept for the error
}

// ScriptError says that a script failed.
type ScriptError struct {
	Output string // last lines
	Err    error
}

func (e *ScriptError) Error() string { return e.Output }

func (e *ScriptError) Unwrap() error { return e.Err }

// Open returns a sandbox with the root file system in the tar at path, which
// is unpacked once into the cache.
func Open(ctx context.Context, c cache.Dir, path string) (*Sandbox, error) {
	if _, err := command.Look("bwrap"); err != nil {
		return nil, err
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("opening a root file system: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening a root file system: %w", err)
	}
	// A tar of ours lies in a cache entry and never changes.
	key := cache.Key(path, fmt.Sprint(info.Size()), info.ModTime().UTC().String())
	dir, _, err := c.Get(ctx, "sandbox", key, func(dir string) error {
		return unpack(ctx, path, dir)
	})
	if err != nil {
		return nil, err
	}
	digest, err := digest(ctx, c, key, path)
	return &Sandbox{root: dir, digest: digest}, err
}

// digest returns that of the content of a tar: what is built in it may be shared
// with other hosts. The tar is read once; key is that of its entry in the cache.
func digest(ctx context.Context, c cache.Dir, key, path string) (string, error) {
	const name = "sha256"
	dir, _, err := c.Get(ctx, "digest", key, func(dir string) error {
		sum, err := sum(ctx, path)
		if err != nil {
			return fmt.Errorf("reading a root file system: %w", err)
		}
		return os.WriteFile(filepath.Join(dir, name), []byte(sum), 0o644)
	})
	if err != nil {
		return "", err
	}
	text, err := regular.ReadFile(filepath.Join(dir, name), sha256.Size*2)
	return string(text), err
}

// piece is how much is read between two looks at the context, in bytes.
const piece = 8 << 20

func sum(ctx context.Context, path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	for err == nil && ctx.Err() == nil {
		_, err = io.CopyN(h, f, piece)
	}
	if !errors.Is(err, io.EOF) {
		return "", cmp.Or(err, context.Cause(ctx))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// unpack leaves out device nodes, which only root can make and nobody needs:
// a task gets its own /dev.
func unpack(ctx context.Context, path, dir string) error {
	args := []string{"-C", dir, "-xf", path, "--exclude=./dev/*"}
	if os.Geteuid() != 0 {
		args = append(args, "--no-same-owner")
	}
	if err := command.Run(ctx, command.Cmd{Name: "tar", Args: args}); err != nil {
		return fmt.Errorf("unpacking a root file system: %w", err)
	}
	return nil
}

// Digest tells root file systems apart by their content, on every host.
func (s *Sandbox) Digest() string { return s.digest }

// Run runs the task. It fails with a [*ScriptError] if the script does.
func (s *Sandbox) Run(ctx context.Context, t Task) error {
	for _, bind := range t.Binds {
		if err := s.mountPoint(bind); err != nil {
			return err
		}
	}
	tail := event.NewTail(lastWords)
	var out io.Writer = tail
	if t.Output != nil {
		out = io.MultiWriter(t.Output, tail)
	}
	err := command.Run(ctx, command.Cmd{Name: "bwrap", Args: s.args(t), Stdout: out, Stderr: out})
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return &ScriptError{Output: tail.String(), Err: err}
	}
	return err
}

// mountPoint makes the place for a bind in the root file system, which the
// task itself can't write.
func (s *Sandbox) mountPoint(bind Bind) error {
	info, err := os.Stat(bind.Host)
	if err != nil {
		return fmt.Errorf("entering a root file system: %w", err)
	}
	target := filepath.Join(s.root, bind.Guest)
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("entering a root file system: %w", err)
	}
	return nil
}

// Apart returns bubblewrap's arguments for what runs in any root file system: apart from this
// host's processes and its environment, and not for longer than we do.
func Apart() []string {
	return []string{
		"--die-with-parent", "--new-session",
		"--unshare-pid", "--unshare-ipc", "--unshare-uts",
		"--clearenv",
		"--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"--setenv", "HOME", "/root",
		"--setenv", "LC_ALL", "C.UTF-8",
	}
}

// args returns bubblewrap's arguments.
func (s *Sandbox) args(t Task) []string {
	args := append(Apart(),
		"--ro-bind", s.root, "/",
		"--dev", "/dev", "--proc", "/proc",
		"--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/root", "--tmpfs", "/var/tmp",
	)
	if os.Geteuid() != 0 {
		args = append(args, "--unshare-user", "--uid", "0", "--gid", "0")
	}
	if t.Network {
		args = append(args, s.networkArgs()...)
	} else {
		args = append(args, "--unshare-net")
	}
	for _, bind := range t.Binds {
		flag := "--ro-bind"
		if bind.Writable {
			flag = "--bind"
		}
		args = append(args, flag, bind.Host, bind.Guest)
	}
	for _, pair := range t.Env {
		name, value, _ := strings.Cut(pair, "=")
		args = append(args, "--setenv", name, value)
	}
	dir := t.Dir
	if dir == "" {
		dir = "/"
	}
	return append(args, "--chdir", dir, "sh", "-eu", "-c", t.Script)
}

func (s *Sandbox) networkArgs() []string {
	args := []string{
		"--ro-bind", "/etc/resolv.conf", s.resolvConf(),
		"--ro-bind-try", trustStore, trustStore,
		"--setenv", "NODE_EXTRA_CA_CERTS", trustStore,
	}
	if home, err := os.UserHomeDir(); err == nil {
		args = append(args, "--ro-bind-try", filepath.Join(home, ".npmrc"), "/root/.npmrc")
	}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		if value, ok := os.LookupEnv(name); ok {
			args = append(args, "--setenv", name, value)
		}
	}
	return args
}

// resolvConf returns where /etc/resolv.conf of the root file system leads:
// with systemd-resolved it is a link into /run.
func (s *Sandbox) resolvConf() string {
	const path = "/etc/resolv.conf"
	target, err := os.Readlink(filepath.Join(s.root, path))
	if err != nil {
		return path
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	return target
}
