package main

import (
	"context"
	"errors"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// stale is a part of the build cache that no build needs.
type stale struct {
	imagestore.Garbage
	old cache.Old
}

// unusedCache returns what of the build cache was not used for a time. It
// returns what it finds even if it cannot look at all of it.
func unusedCache(since keep.Span) ([]stale, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	found, err := dir.Old(since.Before(now))
	all := make([]stale, len(found))
	for i, old := range found {
		reason := "build cache, " + imagestore.Unused(old.Used, now)
		if old.Broken {
			reason = "unfinished build"
		}
		all[i] = stale{imagestore.Garbage{Name: old.Name, Path: old.Path, Bytes: imagestore.Allocated(old.Path), Reason: reason}, old}
	}
	return all, err
}

// clearCache removes what no build has begun to use meanwhile, and returns it.
// What cannot go does not keep the rest here.
func clearCache(ctx context.Context, found []stale) (removed []imagestore.Garbage, err error) {
	for _, u := range found {
		if ctx.Err() != nil {
			return removed, errors.Join(err, context.Cause(ctx))
		}
		gone, failed := u.old.Remove() //nolint:contextcheck // what is begun to be removed goes, even after Ctrl-C
		if gone {
			removed = append(removed, u.Garbage)
		}
		err = errors.Join(err, failed)
	}
	return removed, err
}
