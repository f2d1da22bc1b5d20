package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Old is something in the cache that nobody needs.
type Old struct {
	Name   string    // kind and the beginning of the key
	Path   string    // what is to go
	Used   time.Time // for the last time
	Broken bool      // left by a build that was killed
	file   bool      // of its own, no entry
	limit  time.Time // what was used since stays
}

var (
	// entryName matches what belongs to an entry, whole or not.
	entryName = regexp.MustCompile(`^([0-9a-f]{64})(\` + lockSuffix + `|\` + partialSuffix + `)?$`)
	// recordName matches what a run remembers of builds, and what is left where
	// one was killed while it wrote that.
	recordName = regexp.MustCompile(`^\.?([0-9a-f]{64})\.json[0-9]*$`)
)

// Old returns the entries that were last used before limit, and what killed
// builds left. What somebody makes or uses now is not among them.
func (d Dir) Old(limit time.Time) ([]Old, error) {
	kinds, err := list(d.root)
	var all []Old
	for _, kind := range kinds {
		if !kind.IsDir() {
			continue // nor is a link: what is behind it is not ours
		}
		found, failed := d.oldOf(kind.Name(), limit)
		all, err = append(all, found...), errors.Join(err, failed)
	}
	return all, err
}

func (d Dir) oldOf(kind string, limit time.Time) ([]Old, error) {
	files, err := list(filepath.Join(d.root, kind))
	var all []Old
	last := ""
	for _, file := range files {
		path := filepath.Join(d.root, kind, file.Name())
		if match := recordName.FindStringSubmatch(file.Name()); match != nil {
			if used, ok := unused(path, limit); ok && file.Type().IsRegular() {
				all = append(all, Old{Name: short(kind, match[1]), Path: path, Used: used, file: true, limit: limit})
			}
			continue
		}
		// They are sorted: what belongs to an entry is together.
		match := entryName.FindStringSubmatch(file.Name())
		if match == nil || match[1] == last {
			continue
		}
		last = match[1]
		found, failed := d.removable(kind, last, limit)
		all, err = append(all, found...), errors.Join(err, failed)
	}
	return all, err
}

// removable returns what of an entry can go now.
func (d Dir) removable(kind, key string, limit time.Time) ([]Old, error) {
	entry := filepath.Join(d.root, kind, key)
	release, err := claim(entry)
	if release == nil {
		return nil, err
	}
	defer release()
	var found []Old
	if used, ok := unused(entry, limit); ok && isDir(entry) {
		found = append(found, Old{Name: short(kind, key), Path: entry, Used: used, limit: limit})
	}
	// Of whatever age: who makes it would hold the lock.
	partial, now := entry+partialSuffix, time.Now()
	if used, ok := unused(partial, now); ok && isDir(partial) {
		found = append(found, Old{Name: short(kind, key), Path: partial, Used: used, Broken: true, limit: now})
	}
	return found, nil
}

// list reads a directory, which may be missing.
func list(dir string) ([]fs.DirEntry, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking through the cache: %w", err)
	}
	return files, nil
}

// short is what people call an entry.
func short(kind, key string) string { return kind + "/" + key[:12] }

// unused returns when a file was used for the last time, and whether that was
// before limit.
func unused(path string, limit time.Time) (time.Time, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), info.ModTime().Before(limit)
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
