package durable

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestWriteFile(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	path := filepath.Join(t.TempDir(), "a", "b.json")
	for _, content := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestNothingHalf: what cannot be written leaves the old file and no other.
func TestNothingHalf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "directory")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, nil, 0o644); err == nil {
		t.Error("a directory was replaced")
	}
	if err := WriteJSON(filepath.Join(dir, "x"), func() {}); err == nil {
		t.Error("a function is not a document")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	for _, c := range []struct {
		content, want string
		fails         error
	}{{"one", "one", nil}, {"two", "one", errors.New("no more")}, {"three", "three", nil}} {
		err := Stream(path, 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, c.content)
			return errors.Join(err, c.fails)
		})
		if !errors.Is(err, c.fails) {
			t.Errorf("%s: %v", c.content, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("%s: there is %q, %v", c.content, got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestLeftovers: the pattern matches what a killed writer leaves, and no name
// of ours.
func TestLeftovers(t *testing.T) {
	for name, want := range map[string]bool{".timestamp.json8230498": true, "timestamp.json": false, "lock": false, ".marker": false} {
		if got, err := filepath.Match(Leftovers, name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestRename(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := WriteJSON(from, map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if err := Rename(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "{\n  \"a\": 1\n}\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := Rename(from, to); err == nil {
		t.Error("moved nothing")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
	if _, err := Lock(ctx, dir); !errors.Is(err, why) {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	again, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
