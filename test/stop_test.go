//go:build vm

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// stopping is a build that is ended in one of its phases.
type stopping struct {
	// template has %[1]s for a directory of the test's own, %[2]s for a root
	// file system and %[3]s for a finished disk.
	template string
	// prepared has builder "null" make the beginning, whose guest does what it
	// is told: so a phase is reached in seconds.
	prepared bool
	cold     []string // kinds of cache entries that have to be made
	at       string   // regular expression of a line in the build's log
	signal   syscall.Signal
}

const small = `
source "amigo-qemu" "t" {
  bootstrap { packages = ["apache2"] }
  disk_size        = "2G"
  memory           = 1024
  cpus             = 1
  output_directory = "%[1]s/out/disk"
}
build { sources = ["source.amigo-qemu.t"] }
`

// provisioning is a template whose guest is stuck at some command.
func provisioning(stuck string) string {
	return `
source "null" "t" {
  rootfs = "%[2]s"
  stuck  = "` + stuck + `"
}
build {
  sources = ["source.null.t"]
  provisioner "amigo" {
    source    = "` + template + `/sample"
    bundle_on = "host"
` + golrBlock + `
  }
}
`
}

// delivering is a template with one post-processor, on a finished disk.
func delivering(kind, settings string) string {
	return `
source "null" "t" {
  disk = "%[3]s"
}
build {
  sources = ["source.null.t"]
  post-processor "` + kind + `" {
    output_directory = "%[1]s/out/image"
    firmwares        = ["bios"]
    ` + settings + `
  }
}
`
}

func stoppings() map[string]stopping {
	distribution, production := delivering("amigo-distribution", ""), delivering("amigo-production", `harden_on = "host"`)
	inGuest := delivering("amigo-production", `harden_on = "guest"`)
	return map[string]stopping{
		"inputs": {template: small, at: "inputs phase-start", signal: syscall.SIGINT},
		"accelerator": {
			template: small, cold: []string{"accelerator"}, at: "accelerator phase-start", signal: syscall.SIGTERM,
		},
		"packages of the base": {
			template: small, cold: []string{"rootfs", "base"}, at: "base detail", signal: syscall.SIGKILL,
		},
		"disk of the base": {template: small, cold: []string{"base"}, at: "base detail", signal: syscall.SIGINT},

		"packages": {
			template: provisioning("apt-get install"), prepared: true, at: "packages phase-start", signal: syscall.SIGINT,
		},
		"source": {
			template: provisioning(""), prepared: true, at: "source phase-start", signal: syscall.SIGHUP,
		},
		"bundles": {
			template: provisioning(""), prepared: true, cold: []string{"bundle"}, at: "bundles detail", signal: syscall.SIGKILL,
		},
		"golr": {
			template: provisioning(""), prepared: true, cold: []string{"golr"}, at: "golr phase-start", signal: syscall.SIGTERM,
		},
		"deploy": {
			template: provisioning("tar --zstd"), prepared: true, at: "deploy phase-start", signal: syscall.SIGINT,
		},

		"compact":             {template: distribution, prepared: true, at: "compact phase-start", signal: syscall.SIGKILL},
		"check":               {template: distribution, prepared: true, at: "check phase-start", signal: syscall.SIGTERM},
		"boot test":           {template: distribution, prepared: true, at: "boot test phase-start", signal: syscall.SIGINT},
		"read disk":           {template: production, prepared: true, at: "read disk phase-start", signal: syscall.SIGKILL},
		"write disk":          {template: production, prepared: true, at: "write disk phase-start", signal: syscall.SIGTERM},
		"boot for production": {template: inGuest, prepared: true, at: "boot phase-start", signal: syscall.SIGINT},
		"harden":              {template: production, prepared: true, at: "harden phase-start", signal: syscall.SIGTERM},
	}
}

// TestStop ends a build in each of its phases, kindly and not. Those in which its
// own machine runs are in TestStopWithMachine; what follows the boot test is in the
// tests of package deliver.
func TestStop(t *testing.T) {
	for name, s := range stoppings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.test(t)
		})
	}
}

func (s stopping) test(t *testing.T) {
	// Short, since sockets are below it.
	dir, err := os.MkdirTemp("", "stop-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "t.pkr.hcl", s.text(t, dir))
	warm(t, dir, s.cold)
	s.run(t, dir, s.signal)
	if s.signal == syscall.SIGKILL {
		// Nobody can clear up behind a dead build but the next one.
		s.run(t, dir, syscall.SIGINT)
	}
	untouched(t, dir, s.signal == syscall.SIGKILL)
}

func (s stopping) text(t *testing.T, dir string) string {
	t.Helper()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	finished, err := filepath.Abs(disk("distribution"))
	if err != nil {
		t.Fatal(err)
	}
	rootfs := ""
	if strings.Contains(s.template, "%[2]s") {
		rootfs = rootFS(t, store)
	}
	return fmt.Sprintf(s.template, dir, rootfs, finished)
}

// warm makes a cache in dir that has what the user's has, but for some kinds.
func warm(t *testing.T, dir string, cold []string) {
	t.Helper()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "cache", "amigo-image")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	left := "builds logs " + strings.Join(cold, " ")
	entries, err := os.ReadDir(store.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range entries {
		if strings.Contains(" "+left+" ", " "+kind.Name()+" ") {
			continue
		}
		from, to := filepath.Join(store.Path(), kind.Name()), filepath.Join(own, kind.Name())
		share := os.Symlink
		if kind.Name() == "apt" {
			// Entries of this kind change, under a lock that is beside them.
			share = func(from, to string) error {
				unlock, err := store.Lock(t.Context(), "apt")
				if err != nil {
					return err
				}
				defer unlock()
				return os.CopyFS(to, os.DirFS(from))
			}
		}
		if err := share(from, to); err != nil {
			t.Fatal(err)
		}
	}
}

// run starts the build, ends it at the place, and waits until nothing of it
// runs any more.
func (s stopping) run(t *testing.T, dir string, signal syscall.Signal) {
	t.Helper()
	name := program
	if s.prepared {
		name = preparedProgram(t)
	}
	watch := newWatcher(s.at)
	p, err := command.Start(t.Context(), command.Cmd{
		Name: name, Args: []string{"build", "-q", "--log", "/dev/stdout", filepath.Join(dir, "t.pkr.hcl")},
		Env:    []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "TMPDIR=" + filepath.Join(dir, "tmp"), mark(dir)},
		Stdout: watch, Stderr: watch,
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.reached:
	case <-p.Done():
		t.Fatalf("the build ended before %q: %v\n%s", s.at, p.Wait(), watch)
	}
	if err := syscall.Kill(p.PID(), signal); err != nil {
		t.Fatal(err)
	}
	err = p.Wait()
	var exit *command.ExitError
	if signal == syscall.SIGKILL {
		for runningOf(t, dir) != "" {
			continue // the kernel ends them; one that stays fails the test by its time
		}
		return
	}
	if !errors.As(err, &exit) || exit.Code != interrupted {
		t.Errorf("got %v, want status %d\n%s", err, interrupted, watch)
	}
	if running := runningOf(t, dir); running != "" {
		t.Errorf("still running: %s", running)
	}
}

// mark is what all processes of a build have in their environment.
func mark(dir string) string { return "AMIGO_TEST_RUN=" + dir }

// runningOf returns the command lines of processes of a build: those that have
// its mark, and those that see its directory, in whatever namespace.
func runningOf(t *testing.T, dir string) string {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, process := range processes {
		// What has ended meanwhile can't be read.
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		mounts, _ := os.ReadFile(filepath.Join(process, "mountinfo"))
		line, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if bytes.Contains(environment, []byte(mark(dir))) || bytes.Contains(mounts, []byte(dir+"/")) || bytes.Contains(line, []byte(dir+"/")) {
			found = append(found, process+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return strings.Join(found, "\n")
}

// untouched fails if there is anything but what the test put there, logs, whole
// cache entries, and the empty directory that a dead build made for its output.
func untouched(t *testing.T, dir string, killed bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		kind, cached := strings.CutPrefix(rel, "cache/amigo-image/")
		switch {
		case err != nil:
			return err
		case cached && (strings.HasSuffix(kind, ".partial") || strings.HasPrefix(kind, "builds/")):
			t.Errorf("left behind: %s", rel)
		case cached && strings.Count(kind, "/") > 0 && entry.IsDir():
			return fs.SkipDir
		case cached, rel == ".", rel == "cache", rel == "cache/amigo-image", rel == "tmp", rel == "t.pkr.hcl", killed && rel == "out":
		default:
			t.Errorf("left behind: %s", rel)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// preparedProgram returns the path of amigo-image with the builder of its own
// tests, "null".
func preparedProgram(t *testing.T) string {
	t.Helper()
	path, err := makePrepared()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var makePrepared = sync.OnceValues(func() (string, error) {
	binary, err := filepath.Abs("../build/tested/test-program")
	if err != nil {
		return "", err
	}
	build := command.Cmd{Name: "go", Args: []string{"test", "-c", "-o", binary, "../cmd/amigo-image"}}
	if _, err := command.Output(context.Background(), build); err != nil {
		return "", err
	}
	// It is the program when it is called by the program's name.
	link := filepath.Join(filepath.Dir(binary), filepath.Base(program))
	_ = os.Remove(link)
	return link, os.Symlink(filepath.Base(binary), link)
})

// watcher closes reached when a line of a build's log is the one waited for.
type watcher struct {
	mu      sync.Mutex
	line    *regexp.Regexp
	reached chan struct{}
	seen    bytes.Buffer
	closed  bool
}

func newWatcher(at string) *watcher {
	return &watcher{line: regexp.MustCompile(`(?m)^\S+Z \S+ ` + at), reached: make(chan struct{})}
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Write(p)
	if !w.closed && w.line.Match(w.seen.Bytes()) {
		w.closed = true
		close(w.reached)
	}
	return len(p), nil
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.String()
}
