package chunk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

func write(t testing.TB, f *os.File) (Index, []byte) {
	t.Helper()
	var out bytes.Buffer
	x, err := Write(t.Context(), f, "disk.raw.zst", &out, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return x, out.Bytes()
}

// TestBoundaries guards that disks are cut for ever as they were at first:
// after a change here nobody's older image is of use for a delta.
func TestBoundaries(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	var got strings.Builder
	for i, c := range x.Chunks {
		fmt.Fprintln(&got, x.Places()[i].Offset, c.Length, c.Zero, c.SHA256)
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
	if diff := cmp.Diff(x, y); diff != "" || !bytes.Equal(frames, same) {
		t.Errorf("the same disk is cut in two ways: %s", diff)
	}
}

// TestInsertion is what content-defined chunks are for.
func TestInsertion(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	moved := content()
	moved = append(moved[:2<<20:2<<20], append(make([]byte, 3*4096), moved[2<<20:]...)...)
	y, _ := write(t, disk(t, moved, true))
	known := map[Digest]bool{}
	for _, c := range x.Chunks {
		known[c.SHA256] = true
	}
	missing := 0
	for _, c := range y.Chunks {
		if !known[c.SHA256] {
			missing++
		}
	}
	if missing > 4 {
		t.Errorf("%d of %d chunks are new after an insertion", missing, len(y.Chunks))
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

func eachFrame(t *testing.T, x Index, frames, want []byte) {
	t.Helper()
	decoder, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for i, place := range x.Places() {
		c := x.Chunks[i]
		got, err := decoder.Decode(c, frames[place.Frame:place.Frame+int64(c.Frame)])
		if err != nil || !bytes.Equal(got, want[place.Offset:place.Offset+int64(c.Length)]) {
			t.Fatalf("chunk %d: %v", i, err)
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

func TestDecodeIsEncodesInverse(t *testing.T) {
	x, _ := write(t, disk(t, content(), true))
	encoded, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if limit := 200 + 38*len(x.Chunks); len(encoded) > limit {
		t.Errorf("an index of %d chunks takes %d bytes, more than %d", len(x.Chunks), len(encoded), limit)
	}
	got, err := Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Error(diff)
	}
	for _, length := range []int{0, 1, 8, 100, len(encoded) / 2, len(encoded) - 1} {
		if _, err := Decode(encoded[:length]); err == nil {
			t.Errorf("an index cut to %d bytes is read", length)
		}
	}
	for at := range encoded {
		altered := bytes.Clone(encoded)
		altered[at] ^= 1
		if _, err := Decode(altered); err == nil {
			t.Errorf("an index altered at %d is read", at)
		}
	}
}

// resealed returns an index whose own digest is right, whatever it says.
func resealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

func TestLyingIndex(t *testing.T) {
	good, _ := write(t, disk(t, content(), true))
	for name, lie := range map[string]func(*Index){
		"disk too small":    func(x *Index) { x.Disk.Size-- },
		"negative disk":     func(x *Index) { x.Disk.Size = -1 },
		"frames too small":  func(x *Index) { x.Frames.Size = 100 },
		"directory":         func(x *Index) { x.Frames.Name = "../x" },
		"no name":           func(x *Index) { x.Frames.Name = "" },
		"chunk too long":    func(x *Index) { x.Chunks[0].Length = MaxSize + 1 },
		"chunk too short":   func(x *Index) { x.Chunks[0].Length = 1 },
		"empty chunk":       func(x *Index) { x.Chunks[len(x.Chunks)-1].Length = 0 },
		"frame too long":    func(x *Index) { x.Chunks[0].Frame = maxFrame + 1 },
		"no frame":          func(x *Index) { x.Chunks[0].Frame = 0 },
		"without chunks":    func(x *Index) { x.Chunks = nil },
		"a chunk too few":   func(x *Index) { x.Chunks = x.Chunks[1:] },
		"a chunk too many":  func(x *Index) { x.Chunks = append(x.Chunks, x.Chunks[0]) },
		"more than allowed": func(x *Index) { x.Chunks = make([]Chunk, MaxChunks+1) },
	} {
		x := good
		x.Chunks = append([]Chunk(nil), good.Chunks...)
		lie(&x)
		if _, err := x.Encode(); err == nil {
			t.Errorf("%s: it is written", name)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Write(ctx, disk(t, content(), true), "x", new(bytes.Buffer), func(int64, int64) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	if _, err := Write(t.Context(), disk(t, content(), true), "x", full, func(int64, int64) {}); err == nil {
		t.Error("nothing was said")
	}
}

func FuzzDecode(f *testing.F) {
	x, _ := write(f, disk(f, content()[:3<<20], true))
	encoded, err := x.Encode()
	if err != nil {
		f.Fatal(err)
	}
	x.Chunks = x.Chunks[len(x.Chunks)-1:]
	x.Disk.Size = int64(x.Chunks[0].Length)
	small, err := x.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded[:len(encoded)-32])
	f.Add(small[:len(small)-32])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := Decode(resealed(body))
		if err != nil {
			return
		}
		again, err := x.Encode()
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		y, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, y); diff != "" {
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
		x, err := Write(b.Context(), f, "x", &size, func(int64, int64) {})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size), "bytes")
		b.ReportMetric(float64(len(x.Chunks)), "chunks")
		b.SetBytes(x.Disk.Size)
	}
}

type counterOnly int64

func (c *counterOnly) Write(p []byte) (int, error) {
	*c += counterOnly(len(p))
	return len(p), nil
}
