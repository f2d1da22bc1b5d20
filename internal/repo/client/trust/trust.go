// Package trust is the reader's side of TUF: it says what an image repository
// holds, and believes only what the right keys have signed, what has not
// expired, and what is not older than what it saw before.
//
// All trust begins at a root: one that the user gives, or the first root of
// the repository, which is remembered. Newer roots are believed when those
// before them say so.
//
// The checks themselves are those of go-tuf's trustedmetadata. This package
// decides what is read, in which order, and what is kept on disk; see
// https://theupdateframework.github.io/specification/latest/#detailed-client-workflow.
package trust

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
)

// Most that is read of a file, in bytes, and roots that are followed: those of
// every client of the library.
const (
	rootLimit      = 512_000
	timestampLimit = 16_384
	snapshotLimit  = 2_000_000
	targetsLimit   = 5_000_000
	rootSteps      = 256
	roleSteps      = 32 // roles that are visited in search of a file
)

// Client reads one repository. Its methods may be called concurrently, in
// several processes too: they wait for each other.
type Client struct {
	dir    string
	origin origin.Origin
	pin    []byte
	mutex  sync.Mutex

	// Now is the time by which things expire; [time.Now] if it is nil.
	Now func() time.Time
}

// OpenAt returns the client of a repository. What it has to remember goes into
// dir, which is for this one repository. pin is the content of the root to
// begin with; without it that is the one remembered, or, the first time, the
// repository's own.
func OpenAt(dir string, o origin.Origin, pin []byte) *Client {
	return &Client{dir: dir, origin: o, pin: pin}
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now().UTC()
	}
	return time.Now().UTC()
}

// Refresh asks the repository what is current. If nothing is new that takes
// two small requests. A publication in that very moment is met by asking once
// more; what was rolled back or has expired is not.
func (c *Client) Refresh(ctx context.Context) (*View, error) {
	unlock, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	view, err := c.refresh(ctx)
	if err != nil && raced(err) && ctx.Err() == nil {
		return c.refresh(ctx)
	}
	return view, err
}

// raced tells whether an error may come from a publication in that moment.
func raced(err error) bool {
	return errors.As(err, new(*UntrustedError)) || errors.Is(err, fs.ErrNotExist)
}
