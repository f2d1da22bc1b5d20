package cache

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
)

// Shared is a cache that several hosts share. Its methods have no errors: one
// that does not work is reported where it is met, and the entry is made here.
// They may be called concurrently, and end with their context.
type Shared interface {
	// Take puts the entry kind/key into the empty directory dir, and returns
	// whether all of it is there.
	Take(ctx context.Context, kind, key, dir string) (taken bool)
	// Offer gives the entry kind/key, which is in dir, to the other hosts. It may
	// write into the empty directory work.
	Offer(ctx context.Context, kind, key, dir, work string)
}

// shareable are the kinds of entries that are the same on every host and take
// long to make. Not among them is what this host is like, such as its
// accelerator, and what it has only downloaded.
var shareable = map[string]bool{
	"rootfs": true, "base": true, // of packages
	"bundle": true, "npm-package": true, // AmiGO, built, and npm
	"maven": true, "solr": true, "golr": true, // Solr's program, and GOlr's index
}

// Sharing returns the cache with another one behind it: what is not here is
// taken from there, and what is made here is offered there.
func (d Dir) Sharing(shared Shared) Dir {
	d.shared = shared
	return d
}

// take makes an entry of what the shared cache has. The error is that of this
// host's disk, or of ctx.
func (d Dir) take(ctx context.Context, kind, key string) (taken bool, err error) {
	entry := filepath.Join(d.root, kind, key)
	partial := entry + partialSuffix
	if err := empty(partial); err != nil { //nolint:contextcheck // what is unfinished is cleared even after Ctrl-C
		return false, err
	}
	if d.shared.Take(ctx, kind, key, partial) {
		return true, finish(partial, entry)
	}
	_ = userns.RemoveAll(partial) //nolint:contextcheck // what is unfinished is cleared even after Ctrl-C
	if ctx.Err() != nil {
		return false, fmt.Errorf("looking into the shared cache: %w", context.Cause(ctx))
	}
	return false, nil
}

// offer gives an entry that was made here to the other hosts.
func (d Dir) offer(ctx context.Context, kind, key string) {
	entry := filepath.Join(d.root, kind, key)
	work := entry + partialSuffix
	if empty(work) != nil { //nolint:contextcheck // what is unfinished is cleared even after Ctrl-C
		return
	}
	d.shared.Offer(ctx, kind, key, entry, work)
	_ = userns.RemoveAll(work) //nolint:contextcheck // what is unfinished is cleared even after Ctrl-C
}
