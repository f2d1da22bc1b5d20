package imagestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// block is the unit of [syscall.Stat_t]'s Blocks, in bytes.
const block = 512

// Allocated returns the bytes that everything below path takes on the disk,
// holes not counted, and a file with several names once. What cannot be read counts nothing.
func Allocated(path string) int64 {
	var total int64
	seen := map[uint64]bool{}
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok && !seen[stat.Ino] {
				total += stat.Blocks * block
				seen[stat.Ino] = stat.Nlink > 1
			}
		}
		return nil
	})
	return total
}

// Temporary returns a file on the store's disk that is gone when it is closed,
// or when the process ends.
func (s Store) Temporary() (*os.File, error) {
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return nil, fmt.Errorf("making the image store: %w", err)
	}
	f, err := os.CreateTemp(s.root, ".temporary-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("making a temporary file: %w", err), f.Close())
	}
	return f, nil
}

func readJSON[T any](path string) (T, error) {
	var document T
	content, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return document, fmt.Errorf("reading the image store: %w", err)
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return document, fmt.Errorf("reading %s: %w", path, err)
	}
	return document, nil
}

// readSecret is [readJSON] for what earlier versions left for everybody to read.
func readSecret[T any](path string) (T, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = os.Chmod(path, 0o600)
	}
	return readJSON[T](path)
}

// names returns the names of the directories in a directory, which may be
// missing.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the image store: %w", err)
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() && entry.Name()[0] != '.' {
			found = append(found, entry.Name())
		}
	}
	return found, nil
}
