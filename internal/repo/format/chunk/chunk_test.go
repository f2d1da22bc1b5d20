package chunk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// content is a disk of text and noise, then nothing, then noise and a
// few zeros that were written.
func content() []byte {
	random := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 2<<20)
	_, _ = random.Read(noise)
	disk := make([]byte, 12<<20+12345)
	copy(disk, bytes.Repeat([]byte("The Gene Ontology. "), 40_000))
	copy(disk[1<<20:], noise)
	copy(disk[9<<20+4096:], noise[:1<<20])
	copy(disk[len(disk)-20_000:], noise[:19_000])
	return disk
}

// disk writes content to a file, as sparse as it can be or not at all.
func disk(t testing.TB, content []byte, holes bool) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(int64(len(content))); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(content); at += 4096 {
		block := content[at:min(at+4096, len(content))]
		if holes && isZero(block) {
			continue
		}
		if _, err := f.WriteAt(block, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func write(t testing.TB, f *os.File) (*Index, []byte) {
	t.Helper()
	var out bytes.Buffer
	x, err := Write(t.Context(), f, "disk.raw.zst", &out, empty(t), func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x, out.Bytes()
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

// all returns all chunks of an index.
func all(t testing.TB, x *Index) []Entry {
	t.Helper()
	return from(t, x, 0)
}

func from(t testing.TB, x *Index, first int) []Entry {
	t.Helper()
	var entries []Entry
	for e, err := range x.From(first) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// encoded returns the .chunks file of an index.
func encoded(t testing.TB, x *Index) []byte {
	t.Helper()
	content, err := io.ReadAll(x.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// index writes an index, whatever it says.
func index(t testing.TB, disk, frames File, chunks []Chunk) ([]byte, error) {
	t.Helper()
	f := empty(t)
	defer func() { _ = f.Close() }()
	w, err := NewIndexWriter(f, frames.Name)
	if err != nil {
		return nil, err
	}
	for _, c := range chunks {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(disk, frames); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return content, nil
}

func decode(content []byte) (*Index, error) {
	return Read(bytes.NewReader(content), int64(len(content)))
}

// TestBoundaries guards that disks are cut for ever as they were at first:
// after a change here nobody's older image is useful for a delta.
func TestBoundaries(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	var got strings.Builder
	for _, e := range all(t, x) {
		fmt.Fprintln(&got, e.Offset, e.Length, e.Zero, e.SHA256)
	}
	golden := filepath.Join("testdata", "boundaries.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestHolesDoNotMatter(t *testing.T) {
	x, frames := write(t, disk(t, content(), true))
	y, same := write(t, disk(t, content(), false))
	if !bytes.Equal(encoded(t, x), encoded(t, y)) || !bytes.Equal(frames, same) {
		t.Error("the same disk is cut in two ways")
	}
}

// TestInsertion is what content-defined chunks are for.
func TestInsertion(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	moved := content()
	moved = append(moved[:2<<20:2<<20], append(make([]byte, 3*4096), moved[2<<20:]...)...)
	y, _ := write(t, disk(t, moved, true))
	known := map[Digest]bool{}
	for _, e := range all(t, x) {
		known[e.SHA256] = true
	}
	missing := 0
	for _, e := range all(t, y) {
		if !known[e.SHA256] {
			missing++
		}
	}
	if missing > 4 {
		t.Errorf("%d of %d chunks are new after an insertion", missing, y.Chunks)
	}
}

func TestFramesAreTheDisk(t *testing.T) {
	want := content()
	x, frames := write(t, disk(t, want, true))
	plain, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	got, err := plain.DecodeAll(frames, nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("plain zstd gives another disk: %v", err)
	}
	if x.Disk.SHA256 != sha256.Sum256(want) || x.Frames.SHA256 != sha256.Sum256(frames) || x.Frames.Size != int64(len(frames)) {
		t.Errorf("got %v, %v", x.Disk, x.Frames)
	}
	eachFrame(t, x, frames, want)
	seeks(t, plain, frames, want)
}

func eachFrame(t *testing.T, x *Index, frames, want []byte) {
	t.Helper()
	decoder, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for _, e := range all(t, x) {
		got, err := decoder.Decode(e.Chunk, frames[e.FrameOffset:e.End()])
		if err != nil || !bytes.Equal(got, want[e.Offset:e.Offset+int64(e.Length)]) {
			t.Fatalf("chunk %d: %v", e.Number, err)
		}
	}
}

// seeks reads through the table at the end.
func seeks(t *testing.T, plain *zstd.Decoder, frames, want []byte) {
	t.Helper()
	r, err := seekable.NewReader(bytes.NewReader(frames), plain)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got := make([]byte, 1<<20)
	if _, err := r.ReadAt(got, 9<<20); err != nil || !bytes.Equal(got, want[9<<20:10<<20]) {
		t.Errorf("the seek table leads elsewhere: %v", err)
	}
}

func TestReadIsWritesInverse(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	entries := all(t, x)
	var chunks []Chunk
	for _, e := range entries {
		chunks = append(chunks, e.Chunk)
	}
	file := encoded(t, x)
	if limit := 200 + 38*x.Chunks; len(file) > limit {
		t.Errorf("an index of %d chunks takes %d bytes, more than %d", x.Chunks, len(file), limit)
	}
	again, err := index(t, x.Disk, x.Frames, chunks)
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("what was read is not what is written: %v", err)
	}
	if want := (File{Size: int64(len(file)), SHA256: sha256.Sum256(file)}); x.Self != want {
		t.Errorf("it takes itself for %v instead of %v", x.Self, want)
	}
	for _, length := range []int{0, 1, 8, 100, len(file) / 2, len(file) - 1} {
		if _, err := decode(file[:length]); err == nil {
			t.Errorf("an index cut to %d bytes is read", length)
		}
	}
	for at := range file {
		altered := bytes.Clone(file)
		altered[at] ^= 1
		if _, err := decode(altered); err == nil {
			t.Errorf("an index altered at %d is read", at)
		}
	}
}

// TestFrom begins at each chunk of an index with long runs of zeros.
func TestFrom(t *testing.T) {
	var chunks []Chunk
	var size, frames int64
	add := func(n int, c Chunk) {
		for range n {
			chunks = append(chunks, c)
			size, frames = size+int64(c.Length), frames+int64(c.Frame)
		}
	}
	for i, n := range []int{1, 3 * marked, 5, marked - 1, 1, 2} {
		add(n, Chunk{Length: MaxSize, Frame: 20, Zero: true})
		for j := range n {
			add(1, Chunk{Length: MinSize + uint32(j), Frame: 9 + uint32(i), SHA256: Digest{byte(j), byte(i)}})
		}
	}
	file, err := index(t, File{Size: size}, File{Name: "x", Size: frames}, chunks)
	if err != nil {
		t.Fatal(err)
	}
	x, err := decode(file)
	if err != nil {
		t.Fatal(err)
	}
	want := all(t, x)
	if len(want) != len(chunks) || x.Chunks != len(chunks) {
		t.Fatalf("%d chunks became %d", len(chunks), len(want))
	}
	for i, e := range want {
		if e.Chunk != chunks[i] || e.Number != i {
			t.Fatalf("chunk %d became %v", i, e)
		}
		if diff := cmp.Diff(want[i:min(i+3, len(want))], firstThree(t, x, i)); diff != "" {
			t.Fatalf("from %d on: %s", i, diff)
		}
	}
	if got := from(t, x, len(chunks)); len(got) > 0 {
		t.Errorf("behind the end is %v", got)
	}
}

func firstThree(t *testing.T, x *Index, first int) []Entry {
	t.Helper()
	var entries []Entry
	for e, err := range x.From(first) {
		if err != nil {
			t.Fatal(err)
		}
		if entries = append(entries, e); len(entries) == 3 {
			break
		}
	}
	return entries
}

// TestIndexThatIsLost loses the file of an index that was read.
func TestIndexThatIsLost(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range x.All() {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

// resealed returns an index whose own digest is right, whatever it says.
func resealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

func TestLyingIndex(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	type said struct {
		disk, frames File
		chunks       []Chunk
	}
	good := func() said {
		s := said{disk: x.Disk, frames: x.Frames}
		for _, e := range all(t, x) {
			s.chunks = append(s.chunks, e.Chunk)
		}
		return s
	}
	for name, lie := range map[string]func(*said){
		"disk too small":    func(s *said) { s.disk.Size-- },
		"negative disk":     func(s *said) { s.disk.Size = -1 },
		"frames too small":  func(s *said) { s.frames.Size = 100 },
		"negative frames":   func(s *said) { s.frames.Size = -1 },
		"directory":         func(s *said) { s.frames.Name = "../x" },
		"no name":           func(s *said) { s.frames.Name = "" },
		"chunk too long":    func(s *said) { s.chunks[0].Length = MaxSize + 1 },
		"chunk too short":   func(s *said) { s.chunks[0].Length = 1 },
		"empty chunk":       func(s *said) { s.chunks[len(s.chunks)-1].Length = 0 },
		"frame too long":    func(s *said) { s.chunks[0].Frame = maxFrame + 1 },
		"no frame":          func(s *said) { s.chunks[0].Frame = 0 },
		"without chunks":    func(s *said) { s.chunks = nil },
		"a chunk too few":   func(s *said) { s.chunks = s.chunks[1:] },
		"a chunk too many":  func(s *said) { s.chunks = append(s.chunks, s.chunks[0]) },
		"more than allowed": func(s *said) { s.chunks = slices.Repeat([]Chunk{{Length: MaxSize, Frame: 1, Zero: true}}, MaxChunks+1) },
		"short zeros": func(s *said) {
			s.chunks = append(slices.Repeat([]Chunk{{Length: 1, Frame: 1, Zero: true}}, 2), s.chunks...)
			s.disk.Size += 2
		},
	} {
		s := good()
		lie(&s)
		file, err := index(t, s.disk, s.frames, s.chunks)
		if err == nil {
			_, err = decode(file)
		}
		if err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Write(ctx, disk(t, content(), true), "x", new(bytes.Buffer), empty(t), func(int64, int64) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestTooLarge comes to the last chunk that is possible.
func TestTooLarge(t *testing.T) {
	f := disk(t, content(), true)
	w, err := newWriter(f, 12<<20, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	w.count, w.batch = MaxChunks, batch
	if _, err := w.next(); err == nil || !strings.Contains(err.Error(), "it is too large") {
		t.Errorf("got %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	if _, err := Write(t.Context(), disk(t, content(), true), "x", full, empty(t), func(int64, int64) {}); err == nil {
		t.Error("nothing was said")
	}
	if _, err := Write(t.Context(), disk(t, content(), true), "x", new(bytes.Buffer), full, func(int64, int64) {}); err == nil {
		t.Error("nothing was said of the index")
	}
}

func FuzzRead(f *testing.F) {
	x, _ := write(f, disk(f, content()[:3<<20], true))
	file := encoded(f, x)
	last := all(f, x)[x.Chunks-1].Chunk
	small, err := index(f, File{Size: int64(last.Length)}, x.Frames, []Chunk{last})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file[:len(file)-32])
	f.Add(small[:len(small)-32])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := decode(resealed(body))
		if err != nil {
			return
		}
		entries := all(t, x)
		if len(entries) != x.Chunks {
			t.Fatalf("%d chunks instead of %d", len(entries), x.Chunks)
		}
		chunks := make([]Chunk, len(entries))
		for i, e := range entries {
			chunks[i] = e.Chunk
		}
		again, err := index(t, x.Disk, x.Frames, chunks)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		y, err := decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(entries, all(t, y)); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzFrame feeds frames to a decoder that must hold back bombs.
func FuzzFrame(f *testing.F) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 64<<20), nil)
	f.Add(bomb)
	f.Add(z.EncodeAll(content()[:MaxSize], nil))
	decoder, err := NewDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := decoder.Decode(Chunk{Length: MaxSize}, frame)
		if err == nil {
			t.Error("a digest of zeros was found")
		}
		if cap(got) > MaxSize {
			t.Errorf("it holds %d bytes", cap(got))
		}
	})
}

// BenchmarkWrite cuts the disk AMIGO_DISK, or a small one.
func BenchmarkWrite(b *testing.B) {
	f := disk(b, content(), true)
	if path := os.Getenv("AMIGO_DISK"); path != "" {
		var err error
		if f, err = os.Open(path); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
	}
	for b.Loop() {
		var size counterOnly
		x, err := Write(b.Context(), f, "x", &size, empty(b), func(int64, int64) {})
		if err != nil {
			b.Fatal(err)
		}
		_ = x.Close()
		b.ReportMetric(float64(size), "bytes")
		b.ReportMetric(float64(x.Chunks), "chunks")
		b.SetBytes(x.Disk.Size)
	}
}

type counterOnly int64

func (c *counterOnly) Write(p []byte) (int, error) {
	*c += counterOnly(len(p))
	return len(p), nil
}
