package regular

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe, socket := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe"), filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Symlink(file, link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file: nil, link: nil, pipe: ErrNot, socket: ErrNot, dir: ErrNot, "/dev/zero": ErrNot, filepath.Join(dir, "none"): fs.ErrNotExist,
	} {
		f, err := Open(path)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if err != nil {
			continue
		}
		if content, err := io.ReadAll(f); err != nil || string(content) != "x" {
			t.Errorf("%s: %q, %v", path, content, err)
		}
		_ = f.Close()
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("12345"), 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		limit int64
		want  error
	}{{file, 5, nil}, {file, 4, ErrTooLarge}, {pipe, 5, ErrNot}, {"/dev/zero", 5, ErrNot}, {filepath.Join(dir, "none"), 5, fs.ErrNotExist}} {
		content, err := ReadFile(c.path, c.limit)
		if !errors.Is(err, c.want) || err == nil && string(content) != "12345" {
			t.Errorf("%s, %d: %q, %v, want %v", c.path, c.limit, content, err, c.want)
		}
	}
}

func TestReadGiven(t *testing.T) {
	dir := t.TempDir()
	pipe, silent := filepath.Join(dir, "pipe"), filepath.Join(dir, "silent")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), syscall.Mkfifo(silent, 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := ReadGiven(ctx, silent, 5); !errors.Is(err, stopped) {
		t.Errorf("nobody writes: %v", err)
	}
	go func() { _ = os.WriteFile(pipe, []byte("12345"), 0o600) }()
	if content, err := ReadGiven(t.Context(), pipe, 5); err != nil || string(content) != "12345" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := ReadGiven(t.Context(), "/dev/zero", 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("without end: %v", err)
	}
}
