package pull

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// framesPath is where the fixture's frames are in its repository.
const framesPath = "versions/2/disk.raw.zst"

// image is a disk and what is published of it.
type image struct {
	disk   []byte
	chunks []byte // the file of the index
	index  *chunk.Index
	frames []byte
}

// newImage publishes a disk.
func newImage(t testing.TB, disk []byte) image {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(disk); err != nil {
		t.Fatal(err)
	}
	var frames bytes.Buffer
	index, err := chunk.Write(t.Context(), f, "disk.raw.zst", &frames, empty(t), func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = index.Close() }()
	chunks, err := io.ReadAll(index.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return image{disk, chunks, read(t, chunks), frames.Bytes()}
}

// empty makes a file for an index.
func empty(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.chunks"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns the index that a file holds.
func read(t testing.TB, chunks []byte) *chunk.Index {
	t.Helper()
	index, err := chunk.Read(bytes.NewReader(chunks), int64(len(chunks)))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// plan returns how a disk is pulled.
func plan(t testing.TB, index *chunk.Index, seeds ...Seed) Delta {
	t.Helper()
	p, err := Make(index, seeds...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cut keeps the images that all tests use.
var cut = map[string]image{}

func oldImage(t testing.TB) image { t.Helper(); return once(t, "old", older) }

func newestImage(t testing.TB) image { t.Helper(); return once(t, "new", newer) }

func once(t testing.TB, name string, disk func() []byte) image {
	t.Helper()
	if _, known := cut[name]; !known {
		cut[name] = newImage(t, disk())
	}
	return cut[name]
}

// noise returns bytes that do not compress.
func noise(seed byte, length int) []byte {
	out := make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out)
	return out
}

// older and newer return two versions of a disk of 24 MiB with a hole.
func older() []byte {
	disk := make([]byte, 24<<20)
	copy(disk, noise(1, 12<<20))
	copy(disk[20<<20:], noise(2, 4<<20))
	return disk
}

// newer moves what is at 6 MiB by three blocks and changes three places.
func newer() []byte {
	disk := older()
	copy(disk[6<<20+3*4096:12<<20], older()[6<<20:])
	copy(disk[2<<20:], noise(3, 400_000))
	copy(disk[9<<20:], noise(4, 70_000))
	copy(disk[21<<20:], noise(5, 900_000))
	return disk
}

// seed writes an image where a pull can use it.
func (i image) seed(t testing.TB) Seed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(path, i.disk, 0o644); err != nil {
		t.Fatal(err)
	}
	return Seed{Disk: path, Index: i.index}
}

// server serves an image's frames, with a fault.
type server struct {
	*httptest.Server
	patience origin.Patience // of its clients
	bytes    atomic.Int64    // of bodies that were sent
	requests atomic.Int64
}

func serve(t testing.TB, content []byte, h faulty.Handler) *server {
	t.Helper()
	s := &server{patience: steady}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h(&meter{w, &s.bytes}, r, s.requests.Add(1), content)
	}))
	t.Cleanup(s.Close)
	return s
}

// meter counts what is sent.
type meter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.ResponseWriter.Write(p)
	m.bytes.Add(int64(n))
	return n, err
}

func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// steady is a patience that no machine is too slow for.
var steady = origin.Patience{Idle: time.Minute, First: time.Millisecond, Longest: 10 * time.Millisecond, Total: time.Minute, Unmet: time.Minute}

// hasty is the patience for servers that are silent for ever.
var hasty = origin.Patience{Idle: 300 * time.Millisecond, First: time.Millisecond, Longest: 10 * time.Millisecond, Total: time.Second, Unmet: time.Second}

func open(t testing.TB, location string, patience origin.Patience) origin.Origin {
	t.Helper()
	o, err := origin.OpenWith(location, patience)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// assemble pulls an image from a server to target.
func assemble(ctx context.Context, t testing.TB, i image, s *server, target string, seeds ...Seed) (Stats, error) {
	t.Helper()
	return Assemble(ctx, plan(t, i.index, seeds...), open(t, s.URL, s.patience), framesPath, target, event.Discard)
}

// is fails the test unless the file at path is the image's disk and nothing
// is beside it.
func (i image) is(t testing.TB, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, i.disk) {
		t.Errorf("%s is not the disk", path)
	}
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// absent fails the test if there is a file at path.
func absent(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); err == nil {
		t.Errorf("%s has its final name", path)
	}
}

// target returns where a pull may put a disk: in memory if that is possible,
// since each pull writes through to what it is on.
func target(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pull-")
	if err != nil {
		return filepath.Join(t.TempDir(), "disk.raw")
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "disk.raw")
}
