// Package durable writes files that are there whole or not at all, and that
// stay, whatever ends the process or the machine's power.
package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// Leftovers matches the names of the files that a killed process was writing
// in a directory. Who holds the directory's lock may remove them.
const Leftovers = ".*[0-9]"

// WriteFile gives path this content in one step; its directory is made if it
// is missing. It returns when the disk has both the file and its name.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// Beside its final place: the library tries the system's directory for
	// temporary files first, which nobody would sweep.
	err := renameio.WriteFile(path, content, mode, renameio.WithTempDir(dir), renameio.IgnoreUmask())
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return Sync(dir)
}

// Stream is [WriteFile] for content that write writes; what it has written is
// removed if it fails.
func Stream(path string, mode fs.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(mode))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = f.Cleanup() }()
	if err := write(f); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return Sync(dir)
}

// WriteJSON is [WriteFile] for a document that people may read, too.
func WriteJSON(path string, document any) error { return writeJSON(path, document, 0o644) }

// WriteSecretJSON is [WriteJSON] for a document that only its owner may read.
func WriteSecretJSON(path string, document any) error { return writeJSON(path, document, 0o600) }

func writeJSON(path string, document any, mode fs.FileMode) error {
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return WriteFile(path, append(content, '\n'), mode)
}

// Rename moves a file or a directory to its final name, and returns when the
// disk has the name. What it holds must be on the disk before.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("finishing %s: %w", to, err)
	}
	return Sync(filepath.Dir(to))
}

// Sync writes a file, or the names in a directory, to the disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing %s to the disk: %w", path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s to the disk: %w", path, err)
	}
	return nil
}

// Lock locks a directory for those who read a file in it and replace it, until unlock is
// called or the process ends. It leaves no file behind.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	l := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if _, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() { _ = l.Unlock() }, nil
}
