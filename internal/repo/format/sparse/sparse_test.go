package sparse

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// holey makes a file of 16 MiB whose content is only at 5 MiB and at its end.
func holey(t *testing.T) (*os.File, int64) {
	t.Helper()
	const size = 16<<20 + 17
	f, err := os.Create(filepath.Join(t.TempDir(), "holey"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{5 << 20, size - 3} {
		if _, err := f.WriteAt([]byte("abc"), offset); err != nil {
			t.Fatal(err)
		}
	}
	return f, size
}

func TestEmpty(t *testing.T) {
	f, size := holey(t)
	s := NewScanner(f, size)
	for _, c := range []struct {
		offset, length int64
		want           bool
	}{
		{0, 5 << 20, true},
		{0, 5<<20 + 1, false},
		{5 << 20, 3, false},
		{6 << 20, 1 << 20, true},
		{4 << 20, 1, true},
		{size - 3, 3, false},
	} {
		if got, err := s.Empty(c.offset, c.length); err != nil || got != c.want {
			t.Errorf("%d bytes at %d: got %v, %v", c.length, c.offset, got, err)
		}
	}
}

func TestHashAndCopy(t *testing.T) {
	f, size := holey(t)
	plain := sha256.New()
	if _, err := io.Copy(plain, io.NewSectionReader(f, 0, size)); err != nil {
		t.Fatal(err)
	}
	target, err := os.Create(filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close() }()
	var done int64
	if err := Copy(t.Context(), target, f, size, func(n int64) { done = n }); err != nil || done != size {
		t.Fatalf("got %d bytes, %v", done, err)
	}
	for _, file := range []*os.File{f, target} {
		digest := sha256.New()
		if err := Hash(t.Context(), digest, file, size, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(digest.Sum(nil), plain.Sum(nil)) {
			t.Errorf("%s has another digest", file.Name())
		}
	}
	info, err := target.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
		t.Errorf("the copy has no holes: it takes %d bytes", used)
	}
	if err := Hash(t.Context(), sha256.New(), f, size+1, func(int64) {}); err == nil {
		t.Error("a file that is too short has a digest")
	}
}
