package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Stale is a part of the build cache that no build needs.
type Stale struct {
	imagestore.Garbage
	old cache.Old
}

// UnusedCache returns what of the build cache was not used for a time. It
// returns what it finds even if it cannot look at all of it.
func UnusedCache(since keep.Span) ([]Stale, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	found, err := dir.Old(since.Before(now))
	all := make([]Stale, len(found))
	for i, old := range found {
		reason := "build cache, " + imagestore.Unused(old.Used, now)
		if old.Broken {
			reason = "unfinished build"
		}
		all[i] = Stale{imagestore.Garbage{Name: old.Name, Path: old.Path, Bytes: imagestore.Allocated(old.Path), Reason: reason}, old}
	}
	return all, err
}

// ClearCache removes what no build has begun to use meanwhile, and returns it.
// What cannot go does not keep the rest here.
func ClearCache(ctx context.Context, found []Stale) (removed []imagestore.Garbage, err error) {
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

// LogDir is where logs are kept.
func LogDir(dir cache.Dir) string { return filepath.Join(dir.Path(), "logs") }

// Sum returns how many bytes garbage takes.
func Sum(garbage []imagestore.Garbage) (bytes int64) {
	for _, g := range garbage {
		bytes += g.Bytes
	}
	return bytes
}

// CacheDir is where everything that can be made again is kept.
func CacheDir() (cache.Dir, error) {
	dir, err := cache.Default()
	if err != nil {
		return dir, &fault.Error{What: "there is no cache directory", Try: "export XDG_CACHE_HOME=DIR", Code: fault.Host, Err: err}
	}
	return dir, nil
}
