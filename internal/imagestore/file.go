package imagestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// block is the unit of [syscall.Stat_t]'s Blocks, in bytes.
const block = 512

// Allocated returns the bytes that everything below path takes on the disk,
// holes not counted. What cannot be read counts nothing.
func Allocated(path string) int64 {
	var total int64
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				total += stat.Blocks * block
			}
		}
		return nil
	})
	return total
}

// writeJSON writes a document under its name in one step.
func writeJSON(path string, document any) error {
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return writeFile(path, append(content, '\n'))
}

func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func readJSON(path string, document any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the image store: %w", err)
	}
	if err := json.Unmarshal(content, document); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing %s to disk: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing %s to disk: %w", path, err)
	}
	return nil
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
