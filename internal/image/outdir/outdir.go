// Package outdir makes directories of results that are there whole or not at
// all. The results grow in a partial directory beside the final place and take
// that place in one step, which replaces what an earlier run of ours left
// there and never anything else.
package outdir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
)

// Marker is the file that proves that a directory is ours. Whoever removes it
// keeps the directory from being replaced.
const Marker = ".amigo-image"

const markerText = "Made by amigo-image. Its next build replaces this directory;\n" +
	"remove this file to keep the directory as it is.\n"

// Dir is a directory of results in the making. It must be ended with
// [Dir.Commit] or [Dir.Discard]; after the first the second does nothing.
type Dir struct {
	final   string
	partial string
	marker  *os.File // locked for as long as the run lives
	made    []string // directories above it that were not there, the innermost first
}

// Create makes the partial directory for final, beside it, and removes what
// dead runs left there. It refuses a final directory that [Check] refuses.
func Create(final string) (*Dir, error) {
	final, err := Check(final)
	if err != nil {
		return nil, err
	}
	parent := filepath.Dir(final)
	made := missing(parent)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("making %s: %w", parent, err)
	}
	// Nobody sweeps between the making of a partial directory and its lock.
	unlock, err := lockDir(parent)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := sweep(final); err != nil {
		return nil, err
	}
	return create(final, made)
}

// missing returns path and those above it that are not there.
func missing(path string) []string {
	var all []string
	for ; ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, path)
	}
}

func create(final string, made []string) (*Dir, error) {
	d := &Dir{final: final, partial: final + partialInfix + runID(), made: made}
	if err := os.Mkdir(d.partial, 0o755); err != nil {
		return nil, fmt.Errorf("making the output directory: %w", err)
	}
	var err error
	if d.marker, err = mark(d.partial); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.partial))
	}
	return d, nil
}

// Final returns the absolute path that the directory gets.
func (d *Dir) Final() string { return d.final }

// Path returns the path of a file in the directory as it is now.
func (d *Dir) Path(elements ...string) string {
	return filepath.Join(append([]string{d.partial}, elements...)...)
}

// Commit writes everything to disk and puts the directory in its final place.
// There is no moment at which that place holds something unfinished.
func (d *Dir) Commit() error {
	if err := syncTree(d.partial); err != nil {
		return err
	}
	unlock, err := lockDir(filepath.Dir(d.final))
	if err != nil {
		return err
	}
	defer unlock()
	// The place may have been taken since the run began.
	if _, err := Check(d.final); err != nil {
		return err
	}
	if err := moveInPlace(d.partial, d.final); err != nil {
		return fmt.Errorf("putting %s in place: %w", d.final, err)
	}
	d.close()
	return durable.Sync(filepath.Dir(d.final))
}

// Discard removes the directory unless it was committed, and what was made
// above it and is empty.
func (d *Dir) Discard() error {
	if d.marker == nil {
		return nil
	}
	err := removeMarked(d.partial)
	d.close()
	if err != nil {
		return fmt.Errorf("removing an unfinished output directory: %w", err)
	}
	for _, dir := range d.made {
		_ = os.Remove(dir) // only if nobody else has put something there
	}
	return nil
}

// Rescue moves a part of the directory, which is not finished otherwise, out
// to the path target, which must not exist.
func (d *Dir) Rescue(part, target string) error {
	if err := os.Rename(d.Path(part), target); err != nil {
		return fmt.Errorf("keeping %s: %w", target, err)
	}
	return nil
}

// Remove removes a finished directory, if it is ours.
func Remove(final string) error {
	if !marked(final) {
		return &NotOursError{Path: final}
	}
	if err := removeMarked(final); err != nil {
		return fmt.Errorf("removing %s: %w", final, err)
	}
	return nil
}

func (d *Dir) close() {
	_ = d.marker.Close()
	d.marker = nil
}

// mark writes the marker into dir and locks it. The kernel frees the lock when
// its holder dies, so a directory whose marker is free belongs to a dead run.
func mark(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, Marker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("marking the output directory: %w", err)
	}
	if _, err := f.WriteString(markerText); err != nil {
		return nil, errors.Join(fmt.Errorf("marking the output directory: %w", err), f.Close())
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the output directory: %w", err), f.Close())
	}
	return f, nil
}

func marked(dir string) bool {
	info, err := os.Lstat(filepath.Join(dir, Marker))
	return err == nil && info.Mode().IsRegular()
}

func runID() string {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
