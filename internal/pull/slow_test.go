//go:build vm

package pull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/qemuimg"
)

// How the test program is told to pull, in a process that can be killed.
const (
	childURL    = "AMIGO_PULL_URL"
	childDir    = "AMIGO_PULL_DIR" // index, seed and target
	childTarget = "disk.raw"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := child(url, os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child pulls and prints how much memory that took, in KiB.
func child(url, dir string) error {
	index, err := readIndex(filepath.Join(dir, "new.chunks"))
	if err != nil {
		return err
	}
	var seeds []Seed
	if old, err := readIndex(filepath.Join(dir, "old.chunks")); err == nil {
		seeds = []Seed{{filepath.Join(dir, "old.raw"), old}}
	}
	from, err := origin.Open(url)
	if err != nil {
		return err
	}
	if _, err := Assemble(context.Background(), Make(index, seeds...), from, framesPath, filepath.Join(dir, childTarget), event.Discard); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Println(strings.Fields(rest)[0])
	return nil
}

func readIndex(path string) (chunk.Index, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return chunk.Index{}, err
	}
	return chunk.Decode(content)
}

// keep writes what a child needs to dir.
func keep(t *testing.T, dir, name string, i image) {
	t.Helper()
	encoded, err := i.index.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{".chunks": encoded, ".raw": i.disk} {
		if err := os.WriteFile(filepath.Join(dir, name+file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// start starts a child and returns what it prints in the end.
func start(t *testing.T, s *server, dir string) (*command.Process, *bytes.Buffer) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := new(bytes.Buffer)
	p, err := command.Start(t.Context(), command.Cmd{Name: program, Stdout: out, Env: []string{childURL + "=" + s.URL, childDir + "=" + dir}})
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

// slowly sends small pieces, so that a kill meets ranges on their way and
// little is in the buffers of the kernel.
func slowly(sent *atomic.Int64) faulty.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
		from, to, _ := faulty.Asked(r, content)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
		w.Header().Set("Content-Length", strconv.Itoa(to-from))
		w.WriteHeader(http.StatusPartialContent)
		for at := from; at < to; at += 8 << 10 {
			n, err := w.Write(content[at:min(at+8<<10, to)])
			sent.Add(int64(n))
			if err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Microsecond)
		}
	}
}

const kills = 50

// TestKilled kills a pull at fifty random points. Each time no target is
// there, and the next pull goes on; almost nothing is fetched twice.
func TestKilled(t *testing.T) {
	old, i := oldImage(t), newestImage(t)
	for name, seeded := range map[string]bool{"full": false, "delta": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			keep(t, dir, "new", i)
			want := Make(i.index).Fetch
			if seeded {
				keep(t, dir, "old", old)
				want = Make(i.index, Seed{Index: old.index}).Fetch
			}
			killed(t, dir, i, want)
		})
	}
}

func killed(t *testing.T, dir string, i image, want int64) {
	t.Helper()
	sent := new(atomic.Int64)
	s := serve(t, i.frames, slowly(sent))
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
		return ctx
	}
	path := filepath.Join(dir, childTarget)
	finished, died := 0, 0
	for died < kills/2 {
		p, _ := start(t, s, dir)
		if killAt(p, sent, sent.Load()+rand.Int64N(want/8), 10*time.Millisecond+rand.N(400*time.Millisecond)) {
			died++
		}
		if _, err := os.Stat(path); err == nil {
			image{disk: i.disk}.same(t, path)
			_ = os.Remove(path)
			finished++
		}
	}
	p, _ := start(t, s, dir)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	i.is(t, path)
	twice := sent.Load() - want*int64(finished+1)
	t.Logf("killed %d times, finished %d times, %d bytes fetched, of them %d twice", died, finished+1, sent.Load(), twice)
	if twice > int64(died)*workers*(256<<10) {
		t.Errorf("%d bytes were fetched twice", twice)
	}
}

// killAt kills p when the server has sent so much, or after a time. It tells
// whether p did not end before.
func killAt(p *command.Process, sent *atomic.Int64, bytes int64, after time.Duration) bool {
	end := time.After(after + 200*time.Millisecond)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.Done():
			return false
		case <-end:
		case <-tick.C:
			if sent.Load() < bytes {
				continue
			}
		}
		_ = p.Signal(syscall.SIGKILL)
		<-p.Done()
		return true
	}
}

// same fails the test unless the file at path is the image's disk.
func (i image) same(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, i.disk) {
		t.Errorf("%s has its final name and is not the disk: %v", path, err)
	}
}

// TestMemory pulls a disk of 4 GiB with some content all over it.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	disk, err := os.Create(filepath.Join(dir, "old.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	if err := disk.Truncate(4 << 30); err != nil {
		t.Fatal(err)
	}
	for n := range int64(64) {
		if _, err := disk.WriteAt(noise(byte(n), 1<<20), n<<26); err != nil {
			t.Fatal(err)
		}
	}
	var frames bytes.Buffer
	index, err := chunk.Write(t.Context(), disk, "disk.raw.zst", &frames, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := index.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "new.chunks"), encoded, 0o644); err != nil {
		t.Fatal(err)
	}
	p, out := start(t, serve(t, frames.Bytes(), faulty.Honest), dir)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	used, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil || used > 100<<10 {
		t.Errorf("it took %d KiB: %v", used, err)
	}
	t.Logf("%d KiB", used)
}

// TestFullDisk fills a disk at many points of a pull.
func TestFullDisk(t *testing.T) {
	i := newestImage(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	filler := filepath.Join(dir, "filler")
	for n := range int64(16) {
		s := serve(t, i.frames, func(w http.ResponseWriter, r *http.Request, number int64, content []byte) {
			if number == 1 {
				fill(t, filler, n<<20)
			}
			faulty.Honest(w, r, number, content)
		})
		path := filepath.Join(dir, childTarget)
		_, err := assemble(t.Context(), t, i, s, path)
		if !as[*SpaceError](err) {
			t.Fatalf("with %d MiB: got %v", n, err)
		}
		absent(t, path)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		result, err := assemble(t.Context(), t, i, s, path)
		if err != nil {
			t.Fatal(err)
		}
		if n > 2 && result.Kept == 0 {
			t.Errorf("with %d MiB nothing was kept", n)
		}
		i.is(t, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// fill leaves so many bytes of the disk free.
func fill(t *testing.T, path string, free int64) {
	var stat unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &stat); err != nil {
		t.Error(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	// The pull writes at the same time.
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), int64(stat.Bavail)*stat.Bsize-free)
	if err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}

func TestTooSmallADisk(t *testing.T) {
	i := newestImage(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	s := serve(t, i.frames, faulty.Honest)
	for name, pull := range map[string]func(path string) error{
		"assemble": func(path string) error { _, err := assemble(t.Context(), t, i, s, path); return err },
		"export": func(path string) error {
			return Export(t.Context(), i.seed(t).Disk, Raw, path, event.Discard)
		},
		"qcow2": func(path string) error {
			return Export(t.Context(), i.seed(t).Disk, QCOW2, path, event.Discard)
		},
	} {
		path := filepath.Join(dir, name)
		if err := pull(path); !as[*SpaceError](err) {
			t.Errorf("%s: got %v", name, err)
		}
		absent(t, path)
	}
	if s.requests.Load() > 0 {
		t.Error("it asked for what has no room")
	}
}

func TestExport(t *testing.T) {
	seed := newestImage(t).seed(t)
	for _, format := range Formats {
		path := filepath.Join(t.TempDir(), "disk")
		if err := Export(t.Context(), seed.Disk, format, path, event.Discard); err != nil {
			t.Fatal(err)
		}
		if err := qemuimg.Compare(t.Context(), seed.Disk, "raw", path, string(format)); err != nil {
			t.Error(err)
		}
		absent(t, path+PartialSuffix)
		absent(t, path+LockSuffix)
	}
	if err := Export(t.Context(), seed.Disk, "vdi", "x", event.Discard); err == nil {
		t.Error("a format that nobody knows is written")
	}
}
