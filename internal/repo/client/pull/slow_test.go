//go:build vm

package pull

import (
	"bytes"
	"context"
	"crypto/sha256"
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

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/memory"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
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

// child pulls as amigo-image does, and prints how much memory that took, in KiB.
func child(url, dir string) error {
	memory.Spare()
	index, err := chunk.Open(filepath.Join(dir, "new.chunks"))
	if err != nil {
		return err
	}
	var seeds []Seed
	if old, err := chunk.Open(filepath.Join(dir, "old.chunks")); err == nil {
		seeds = []Seed{{filepath.Join(dir, "old.raw"), old}}
	}
	from, err := origin.Open(url)
	if err != nil {
		return err
	}
	plan, err := Make(index, seeds...)
	if err != nil {
		return err
	}
	_, failed := Assemble(context.Background(), plan, from, framesPath, filepath.Join(dir, childTarget), event.Discard)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Println(strings.Fields(rest)[0])
	return failed
}

// keep writes what a child needs to dir.
func keep(t *testing.T, dir, name string, i image) {
	t.Helper()
	for file, content := range map[string][]byte{".chunks": i.chunks, ".raw": i.disk} {
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
			want := plan(t, i.index).Fetch
			if seeded {
				keep(t, dir, "old", old)
				want = plan(t, i.index, Seed{Index: old.index}).Fetch
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

// TestMemory pulls a disk of as many chunks as are possible, with an older one
// of as many here. Only the beginning is really there: after that the server
// has nothing more.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	// The disk would not fit anywhere else. It is never full.
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64g"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	const size = chunk.MaxChunks * chunk.MinSize
	frames, total := mostChunks(t, filepath.Join(dir, "new.chunks"), filepath.Join(dir, "old.chunks"))
	if err := os.WriteFile(filepath.Join(dir, "old.raw"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "old.raw"), size); err != nil {
		t.Fatal(err)
	}
	s := serve(t, frames, func(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
		var from, last int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &last); err != nil || last >= int64(len(content)) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, last, total))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(content[from : last+1])
	})
	p, out := start(t, s, dir)
	if err := p.Wait(); err == nil || s.bytes.Load() < 64<<20 {
		t.Fatalf("after %d bytes: %v", s.bytes.Load(), err)
	}
	// Of amigo-image's file some 28 MiB more are in memory than of this test's.
	const most = (100 - 28) << 10
	used, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil || used > most {
		t.Errorf("it took %d KiB: %v", used, err)
	}
	t.Logf("%d KiB", used)
}

// mostChunks writes the indices of two disks that share some chunks. It returns
// the first frames of the new disk, and how many bytes all of them are.
func mostChunks(t *testing.T, now, old string) (frames []byte, total int64) {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{7})
	content := make([]byte, chunk.MinSize)
	a, finishNow := newIndex(t, now)
	b, finishOld := newIndex(t, old)
	for n := range chunk.MaxChunks {
		c := chunk.Chunk{Length: chunk.MinSize, Frame: chunk.MinSize}
		if n < 8192 {
			_, _ = random.Read(content)
			start := len(frames)
			frames = z.EncodeAll(content, frames)
			c.SHA256, c.Frame = sha256.Sum256(content), uint32(len(frames)-start)
		} else {
			_, _ = random.Read(c.SHA256[:])
		}
		total += int64(c.Frame)
		err := a.Add(c)
		if n < 8192 || n%20 > 0 {
			_, _ = random.Read(c.SHA256[:])
		}
		if err := errors.Join(err, b.Add(c)); err != nil {
			t.Fatal(err)
		}
	}
	finishNow(total)
	finishOld(total)
	return frames, total
}

// newIndex begins an index at path.
func newIndex(t *testing.T, path string) (w *chunk.IndexWriter, finish func(frames int64)) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err = chunk.NewIndexWriter(f, "disk.raw.zst")
	if err != nil {
		t.Fatal(err)
	}
	return w, func(frames int64) {
		err := w.Finish(chunk.File{Size: chunk.MaxChunks * chunk.MinSize}, chunk.File{Size: frames})
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
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
