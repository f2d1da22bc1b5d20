// Package imagestore keeps the images that were pulled and the machines that
// were made from them, on the user's own disk.
//
//	images/<version>/<variant>/   disk.raw  disk.chunks  version.json  source.json
//	partial/<version>.<variant>/  what a pull has got so far
//	machines/<name>/              machine.json  overlay.qcow2  key  console.log
//	trust/<digest of a URL>/      what is known of a repository's keys
//	repository.json               the repository that is used when none is named
//	locks/                        empty files
//
// Nothing gets its final name before it is whole. Several processes may use a
// store at the same time.
package imagestore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Directories of a store.
const (
	imagesDir   = "images"
	partialDir  = "partial"
	machinesDir = "machines"
	trustDir    = "trust"
	locksDir    = "locks"
)

// Store is a store on disk. It is made when something is put into it.
type Store struct {
	root   string
	memory string // what is known of repositories; "" is in the root
}

// Default returns the user's store, $XDG_DATA_HOME/amigo-image or
// ~/.local/share/amigo-image.
func Default() (Store, error) {
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return At(filepath.Join(data, "amigo-image")), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return Store{}, fmt.Errorf("finding the image store (set XDG_DATA_HOME): %w", err)
	}
	return At(filepath.Join(home, ".local", "share", "amigo-image")), nil
}

// At returns the store below root.
func At(root string) Store { return Store{root: root} }

// Path returns where the store is.
func (s Store) Path() string { return s.root }

// Trust returns the directory for what is known of a repository's keys. It stays
// when a login or a token changes.
func (s Store) Trust(repository string) string {
	sum := sha256.Sum256([]byte(address.Shown(repository)))
	return s.known(trustDir, hex.EncodeToString(sum[:8]))
}

// Preview returns a store of the same images that keeps what it learns of
// repositories in dir, which is empty and becomes a copy of what is known. It is
// for commands that only show what they would do.
func (s Store) Preview(dir string) (Store, error) {
	preview := Store{root: s.root, memory: dir}
	known, err := s.Known()
	if err == nil {
		err = preview.Remember(known)
	}
	if _, unknown := os.Stat(s.known(trustDir)); err == nil && unknown == nil {
		err = os.CopyFS(preview.known(trustDir), os.DirFS(s.known(trustDir)))
	}
	if err != nil {
		return s, fmt.Errorf("copying what is known of repositories: %w", err)
	}
	return preview, nil
}

// known is a path below what is known of repositories.
func (s Store) known(elements ...string) string {
	return filepath.Join(append([]string{cmp.Or(s.memory, s.root)}, elements...)...)
}

func (s Store) path(elements ...string) string {
	return filepath.Join(append([]string{s.root}, elements...)...)
}

// lockPause is between two attempts at a lock that another process holds.
const lockPause = 50 * time.Millisecond

// lock waits for the lock on the store as a whole, which is held for moments.
func (s Store) lock(ctx context.Context) (unlock func(), err error) {
	l, err := s.locker("store")
	if err != nil {
		return nil, err
	}
	if _, err := l.TryLockContext(ctx, lockPause); err != nil {
		return nil, fmt.Errorf("locking the image store: %w", errors.Join(err, context.Cause(ctx)))
	}
	return func() { _ = l.Close() }, nil
}

func (s Store) locker(name string) (*flock.Flock, error) {
	if err := os.MkdirAll(s.path(locksDir), 0o755); err != nil {
		return nil, fmt.Errorf("making the image store: %w", err)
	}
	return flock.New(s.path(locksDir, name)), nil
}
