// Package store keeps the files of a repository in a directory or in an object
// store: S3, Google Cloud Storage, Azure. Every file appears whole or not at
// all; those that are written once are never overwritten, the one that changes
// is changed by comparing first, and there is a lock for politeness.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// ErrChanged says that somebody else wrote a file since it was read.
var ErrChanged error = overtaken("somebody else changed it in the meantime")

// overtaken is an error of a publisher that another one was faster than.
type overtaken string

func (e overtaken) Error() string { return string(e) }

// Fault implements [fault.Reporter].
func (e overtaken) Fault() fault.Report {
	return fault.Report{What: "another publisher was faster", Where: e.Error(), Code: fault.Locked, Try: fault.Retry(fault.GoOn)}
}

// maxDocument bounds what [Store.Read] takes into memory, in bytes. It is the
// largest metadata file that a reader accepts, twice.
const maxDocument = 10 << 20

// Store is a place for files. Paths are relative, with slashes. Its methods
// may be called concurrently.
type Store struct {
	backend  backend
	location string
}

// Entry is a file in a store.
type Entry struct {
	Path    string
	Size    int64 // bytes
	ModTime time.Time
}

// Tag is a state of a file; the zero value is that there is none.
type Tag struct {
	etag       string
	generation int64
	sha256     string // of the content, where the store has nothing better
}

// backend is a kind of store. Its errors are [fs.ErrNotExist], [fs.ErrExist]
// and [ErrChanged] where they say so, whatever the store calls them.
type backend interface {
	open(ctx context.Context, path string) (io.ReadCloser, error)
	tag(ctx context.Context, path string) (Tag, error)
	stat(ctx context.Context, path string) (Entry, error)
	list(ctx context.Context, prefix string) ([]Entry, error)
	// write writes a file if cond allows it.
	write(ctx context.Context, path string, body io.Reader, cond condition) error
	remove(ctx context.Context, path string) error
	lock(ctx context.Context, who Owner) (held context.Context, unlock func(), err error)
	close() error
}

// condition is when a file may be written.
type condition struct {
	always bool
	tag    Tag  // unless always: the state that the file must be in
	blind  bool // leave the comparison to the store alone
}

// Location returns where the store is, as it was opened.
func (s *Store) Location() string { return s.location }

// Close frees what the store holds.
func (s *Store) Close() error { return s.backend.close() }

// Read reads a small file whole. Without one the error is [fs.ErrNotExist].
func (s *Store) Read(ctx context.Context, path string) ([]byte, error) {
	r, err := s.backend.open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	content, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(content) > maxDocument {
		return nil, fmt.Errorf("reading %s: it has more than %d bytes", path, maxDocument)
	}
	return content, nil
}

// ReadTagged is [Store.Read] for a file that is to be swapped: it asks a store
// once more, for the state that the file is in. Without a file the tag is still
// good for [Store.Swap].
func (s *Store) ReadTagged(ctx context.Context, path string) ([]byte, Tag, error) {
	// The state is asked first: a file that changes in between is then one that
	// a swap refuses, never one that it overwrites.
	tag, err := s.backend.tag(ctx, path)
	if err != nil {
		return nil, Tag{}, fmt.Errorf("reading %s: %w", path, err)
	}
	content, err := s.Read(ctx, path)
	if err != nil {
		return nil, Tag{}, err
	}
	return content, tag, nil
}

// Private returns a file or directory among some paths that other users of this
// host cannot read, and its mode. A web server may be one of them. It is "" if
// there is none, or the store is not a directory.
func (s *Store) Private(paths []string) (path string, mode fs.FileMode) {
	if f, ok := s.backend.(*files); ok {
		return f.private(paths)
	}
	return "", 0
}

// Open opens a file of any length.
func (s *Store) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := s.backend.open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return r, nil
}

// Stat looks at a file. Without one the error is [fs.ErrNotExist].
func (s *Store) Stat(ctx context.Context, path string) (Entry, error) {
	entry, err := s.backend.stat(ctx, path)
	if err != nil {
		return entry, fmt.Errorf("looking at %s: %w", path, err)
	}
	return entry, nil
}

// List returns the files whose paths begin with prefix, sorted.
func (s *Store) List(ctx context.Context, prefix string) ([]Entry, error) {
	entries, err := s.backend.list(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", prefix, err)
	}
	return entries, nil
}

// Create writes a file that must not exist, else the error is [fs.ErrExist].
// An error leaves no file, or a whole one: an answer of the store may be lost.
func (s *Store) Create(ctx context.Context, path string, body io.Reader) error {
	if err := s.backend.write(ctx, path, body, condition{}); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Put writes a small file, over what is there.
func (s *Store) Put(ctx context.Context, path string, content []byte) error {
	err := s.backend.write(ctx, path, bytes.NewReader(content), condition{always: true})
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Place writes a small file that must not exist, or be this one.
func (s *Store) Place(ctx context.Context, path string, content []byte) error {
	return s.writeOrConfirm(ctx, path, content, condition{})
}

// Swap writes a small file over what was read with tag. If somebody else wrote
// in between, the error is [ErrChanged] or [fs.ErrExist].
func (s *Store) Swap(ctx context.Context, path string, tag Tag, content []byte) error {
	return s.writeOrConfirm(ctx, path, content, condition{tag: tag})
}

// writeOrConfirm writes under a condition. A store whose answer was lost is asked again
// by its own library and then refuses what it has already done: so any error
// is a reason to look whether the content is there.
func (s *Store) writeOrConfirm(ctx context.Context, path string, content []byte, cond condition) error {
	err := s.backend.write(ctx, path, bytes.NewReader(content), cond)
	if err == nil {
		return nil
	}
	there, lost := s.Read(ctx, path)
	if lost == nil && bytes.Equal(there, content) {
		return nil
	}
	return fmt.Errorf("writing %s: %w", path, err)
}

// Remove removes a file. That there is none is no error.
func (s *Store) Remove(ctx context.Context, path string) error {
	if err := s.backend.remove(ctx, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	return nil
}
