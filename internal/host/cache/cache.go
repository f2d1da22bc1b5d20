// Package cache keeps results by the digest of what they were made from. It
// is shared between builds that run at the same time.
//
// An entry is a directory; it is there whole or not at all.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
)

// What is beside an entry: the lock of who makes it, and what is not whole.
const (
	lockSuffix    = ".lock"
	partialSuffix = ".partial"
)

// Dir is a cache on disk.
type Dir struct {
	root   string
	shared Shared // or nil
}

// Default returns the user's cache, $XDG_CACHE_HOME/amigo-image.
func Default() (Dir, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return Dir{}, fmt.Errorf("finding the cache directory (set XDG_CACHE_HOME): %w", err)
	}
	return At(filepath.Join(base, "amigo-image")), nil
}

// At returns the cache below root.
func At(root string) Dir { return Dir{root: root} }

// Path returns where the cache is.
func (d Dir) Path() string { return d.root }

// Get returns the directory of the entry kind/key. If it is not there, fill
// is called with an empty directory, which becomes the entry when fill returns
// nil. cached tells that fill was not called: the entry was there, or another
// host has made it and it came from the [Shared] cache. Of several processes
// that want the same entry one makes it and the others wait. Nobody removes it
// by age before this process ends.
func (d Dir) Get(ctx context.Context, kind, key string, fill func(dir string) error) (dir string, cached bool, err error) {
	entry := filepath.Join(d.root, kind, key)
	if used, err := use(entry, entry); used || err != nil {
		return entry, true, err
	}
	if err := os.MkdirAll(filepath.Dir(entry), 0o755); err != nil {
		return "", false, fmt.Errorf("making the cache directory: %w", err)
	}
	unlock, err := lock(ctx, entry+lockSuffix)
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if used, err := use(entry, entry); used || err != nil {
		return entry, true, err
	}
	if d.shared == nil || !shareable[kind] {
		return entry, false, d.add(entry, fill) //nolint:contextcheck // what is unfinished is cleared even after Ctrl-C
	}
	taken, err := d.take(ctx, kind, key)
	if taken || err != nil {
		return entry, true, err
	}
	if err := d.add(entry, fill); err != nil { //nolint:contextcheck // as above
		return entry, false, err
	}
	d.offer(ctx, kind, key)
	return entry, false, nil
}

func (d Dir) add(entry string, fill func(string) error) error {
	partial := entry + partialSuffix
	if err := empty(partial); err != nil {
		return err
	}
	if err := fill(partial); err != nil {
		_ = userns.RemoveAll(partial)
		return err
	}
	return finish(partial, entry)
}

// empty makes an empty directory. Only the holder of the lock writes here: what
// is left is a dead build's.
func empty(partial string) error {
	if err := userns.RemoveAll(partial); err != nil {
		return fmt.Errorf("clearing an unfinished cache entry: %w", err)
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return fmt.Errorf("making a cache entry: %w", err)
	}
	return nil
}

// finish makes an entry of what is whole.
func finish(partial, entry string) error {
	if err := flush(partial); err != nil {
		return err
	}
	// What was unpacked into it may have given it a time of long ago.
	if _, err := use(partial, entry); err != nil {
		return err
	}
	if err := os.Rename(partial, entry); err != nil {
		return fmt.Errorf("finishing a cache entry: %w", err)
	}
	return nil
}

// Lock takes the lock that builds share under name, waiting as long as ctx
// allows.
func (d Dir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := os.MkdirAll(d.root, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache directory: %w", err)
	}
	return lock(ctx, filepath.Join(d.root, name+lockSuffix))
}

// Key returns the digest of parts, in which no two lists of parts are alike.
func Key(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:", len(part))
		_, _ = io.WriteString(h, part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("finishing a cache entry: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("writing %s to disk: %w", dir, err)
	}
	return nil
}
