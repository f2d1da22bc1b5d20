package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
)

// Remove removes what [Dir.Old] found, unless somebody makes or uses it
// meanwhile, or has used it: then it returns false.
func (o Old) Remove() (removed bool, err error) {
	release := func() {}
	if !o.file {
		if release, err = claim(strings.TrimSuffix(o.Path, partialSuffix)); release == nil {
			return false, err
		}
	}
	defer release()
	if _, still := unused(o.Path, o.limit); !still {
		return false, nil
	}
	path := o.Path
	if !o.file && !o.Broken {
		// In one step it is not an entry any more, even if this process dies before
		// all of it is gone.
		if path, err = spoil(o.Path); err != nil {
			return false, err
		}
	}
	if err := userns.RemoveAll(path); err != nil {
		return false, fmt.Errorf("clearing the cache: %w", err)
	}
	return true, nil
}

// spoil makes an entry one that is not whole.
func spoil(entry string) (partial string, err error) {
	partial = entry + partialSuffix
	if err := userns.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("clearing the cache: %w", err)
	}
	if err := os.Rename(entry, partial); err != nil {
		return "", fmt.Errorf("clearing the cache: %w", err)
	}
	return partial, nil
}

// claim keeps everybody from making and using an entry. It returns nil if
// somebody does: it waits for nobody.
func claim(entry string) (release func(), err error) {
	unlock, err := tryLock(entry + lockSuffix)
	if unlock == nil || !isDir(entry) {
		return unlock, err
	}
	dir, err := grab(entry, (*flock.Flock).TryLock, onDirectory(unix.O_NOFOLLOW))
	if errors.Is(err, fs.ErrNotExist) { // removed by hand
		return unlock, nil
	}
	if dir == nil {
		unlock()
		return nil, err
	}
	return func() { _ = dir.Close(); unlock() }, nil
}
