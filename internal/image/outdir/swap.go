package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
)

// moveInPlace moves partial to final. A directory that is there already changes places
// with it, in one step, and is removed afterwards; should we die in between,
// the next run sweeps it away.
func moveInPlace(partial, final string) error {
	err := unix.Renameat2(unix.AT_FDCWD, partial, unix.AT_FDCWD, final, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return removeMarked(partial)
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(partial, final)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return putByTwoRenames(partial, final)
	}
	return err
}

// putByTwoRenames is for file systems that cannot exchange. Between its
// renames nothing is at the final place; [sweep] repairs a death there.
func putByTwoRenames(partial, final string) error {
	old := final + replacedInfix + runID()
	if err := os.Rename(final, old); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(partial, final)
	} else if err != nil {
		return err
	}
	if err := os.Rename(partial, final); err != nil {
		return errors.Join(err, os.Rename(old, final))
	}
	return removeMarked(old)
}

// removeMarked removes dir, its marker last: a removal that is cut short
// leaves a directory that the next run knows as ours.
func removeMarked(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == Marker {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// syncTree writes every file and directory below root to disk.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("writing the output to disk: %w", err)
		}
		if !entry.IsDir() && !entry.Type().IsRegular() {
			return nil
		}
		return durable.Sync(path)
	})
}
