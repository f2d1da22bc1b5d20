// Package scratch makes temporary directories that a killed run does not leave
// behind for good: each is locked by the process that made it, and the next
// one to make its own removes those whose maker is dead.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
)

const (
	prefix = "amigo-image-"
	// marker is the file that is locked for as long as the maker lives. It
	// also tells our directories from others that happen to be named so.
	marker = ".scratch"
)

// Dir is a temporary directory that only its user can read. It must be ended
// with [Dir.Close].
type Dir struct {
	path string
	lock *os.File
}

// errSwept says that somebody took a directory for a dead run's before it was
// locked.
var errSwept = errors.New("it was removed while it was made")

// New makes a directory in parent, with name as a part of its own name.
func New(parent, name string) (*Dir, error) {
	sweep(parent)
	for {
		d, err := create(parent, name)
		if errors.Is(err, errSwept) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("making a temporary directory: %w", err)
		}
		return d, nil
	}
}

func create(parent, name string) (*Dir, error) {
	path, err := os.MkdirTemp(parent, prefix+name+"-")
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, marker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errSwept
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if _, gone := os.Lstat(lock.Name()); err != nil || gone != nil {
		_ = lock.Close()
		return nil, errSwept
	}
	return &Dir{path: path, lock: lock}, nil
}

// Path returns the path of a file in the directory.
func (d *Dir) Path(elements ...string) string {
	return filepath.Join(append([]string{d.path}, elements...)...)
}

// Close removes the directory and all that is in it.
func (d *Dir) Close() {
	remove(d.path)
	_ = d.lock.Close()
}

// sweep removes the directories of dead runs of this user. What it cannot
// remove stays for another time: nobody waits for it.
func sweep(parent string) {
	paths, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return
	}
	for _, path := range paths {
		if ownedByUs(path) {
			removeDead(path)
		}
	}
}

// ownedByUs tells whether path is a directory of this user. In a directory that all
// may write to, nobody else can put another in its place.
func ownedByUs(path string) bool {
	var info unix.Stat_t
	err := unix.Lstat(path, &info)
	return err == nil && info.Mode&unix.S_IFMT == unix.S_IFDIR && int(info.Uid) == os.Geteuid()
}

func removeDead(path string) {
	f, err := regular.Open(filepath.Join(path, marker))
	if errors.Is(err, fs.ErrNotExist) {
		// Its run died before it could lock it, or it is not ours: in the
		// first case it is empty, and only then it goes.
		_ = os.Remove(path)
		return
	}
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		remove(path)
	}
}

// remove removes a directory, its marker last: what is left of a removal that
// was cut short is still known as ours.
func remove(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.Name() == marker {
			continue
		}
		if err := userns.RemoveAll(filepath.Join(path, entry.Name())); err != nil {
			return
		}
	}
	_ = os.RemoveAll(path)
}
