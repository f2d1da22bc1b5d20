// Package origin reads files from where somebody publishes them, as an image repository or a
// release of data: a web server or a directory. It trusts nothing that it reads; whoever asks
// says how much to take and checks what came.
package origin

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Origin is a repository as its readers see it. Paths are relative to its
// root, with slashes. Its methods may be called concurrently.
type Origin interface {
	// Fetch returns a small file whole. It returns an error that is
	// [io/fs.ErrNotExist] if there is no such file, and a [*SizeError] if the
	// file is longer than limit bytes.
	Fetch(ctx context.Context, path string, limit int64) ([]byte, error)
	// Range opens length bytes from offset on of a file of total bytes. The
	// reader yields exactly those or fails; it goes on by itself where a
	// connection broke. A server that cannot send parts gives a
	// [*NoRangesError].
	Range(ctx context.Context, path string, offset, length, total int64) (io.ReadCloser, error)
	// Open opens a file of total bytes whole. The reader yields exactly those
	// or fails; it goes on by itself where a connection broke, if the server
	// can send parts.
	Open(ctx context.Context, path string, total int64) (io.ReadCloser, error)
	// URL returns the address of a file, for people.
	URL(path string) string
}

// Open returns the repository at location: an http, https or file URL, or a
// directory. It does not look whether there is one.
func Open(location string) (Origin, error) { return OpenWith(location, DefaultPatience()) }

// OpenAs is [Open] for who has a token, which a web server is told.
func OpenAs(location, token string) (Origin, error) {
	o, err := Open(location)
	if w, ok := o.(*web); ok && token != "" {
		w.authorization = "Bearer " + token
	}
	return o, err
}

// OpenWith is [Open] with another patience.
func OpenWith(location string, patience Patience) (Origin, error) {
	place, err := address.Parse(location)
	switch {
	case err != nil:
		return nil, err
	case place.URL == nil:
		return directory(filepath.Clean(place.Dir)), nil
	case place.URL.Scheme == "http", place.URL.Scheme == "https":
		return newWeb(place.URL, patience), nil
	}
	return nil, &address.InvalidError{Given: location, Why: "files come from http://, https://, file:// or a directory"}
}

// checkPath returns an error for a path that leads out of the repository.
func checkPath(path string) error {
	if !fs.ValidPath(path) || path == "." || strings.Contains(path, `\`) {
		return fmt.Errorf("%q is not a path in a repository", path)
	}
	return nil
}
