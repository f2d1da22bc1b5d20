package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// What stands between the name of the final directory and the run's own id.
const (
	partialInfix  = ".partial-"
	replacedInfix = ".replaced-"
)

// sweep removes what dead runs left beside final. The caller holds the lock
// on the directory that it is in.
func sweep(final string) error {
	entries, err := os.ReadDir(filepath.Dir(final))
	if err != nil {
		return fmt.Errorf("looking for unfinished output: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(final), entry.Name())
		switch {
		case strings.HasPrefix(path, final+partialInfix):
			err = removeDead(path)
		case strings.HasPrefix(path, final+replacedInfix) && marked(path):
			err = restore(path, final)
		}
		if err != nil {
			return fmt.Errorf("removing unfinished output: %w", err)
		}
	}
	return nil
}

// removeDead removes the partial directory path, unless its run is alive or it
// holds something and no marker.
func removeDead(path string) error {
	f, err := regular.Open(filepath.Join(path, Marker))
	if errors.Is(err, fs.ErrNotExist) {
		// A run that died before it wrote its marker left it empty; what is
		// not empty is not ours.
		_ = os.Remove(path)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil // its run lives
	}
	return removeMarked(path)
}

// restore puts back the directory that a run had moved away when it died
// before it could put its own in place.
func restore(old, final string) error {
	if _, err := os.Lstat(final); err == nil {
		return removeMarked(old)
	}
	return os.Rename(old, final)
}

// lockDir takes the exclusive lock on a directory. It is held for moments.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
