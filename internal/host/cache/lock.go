package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// lock takes an exclusive lock on path, waiting as long as ctx allows. The
// kernel frees it when its holder dies, so there are no stale locks.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if unlock != nil || err != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another build to finish with %s: %w", path, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tryLock takes the lock; without an error and without unlock somebody has it.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, wrap(err)
	}
	_ = f.Close()
	l, err := grab(path, (*flock.Flock).TryLock)
	if l == nil || err != nil {
		if errors.Is(err, fs.ErrNotExist) { // its holder has removed it just now
			err = nil
		}
		return nil, err
	}
	return func() {
		// While nobody else can have it: no lock stays for an entry that is gone.
		_ = os.Remove(path)
		_ = l.Close()
	}, nil
}

// onDirectory opens a directory to lock it.
func onDirectory(more int) flock.Option {
	return flock.SetFlag(os.O_RDONLY | unix.O_DIRECTORY | more)
}

// grab locks path, which must exist, until the lock is closed or this process
// ends. It returns nil if a lock of another is in the way, or if path has become
// another file meanwhile.
func grab(path string, try func(*flock.Flock) (bool, error), options ...flock.Option) (*flock.Flock, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, wrap(err)
	}
	l := flock.New(path, options...)
	if locked, err := try(l); err != nil || !locked {
		return nil, wrap(err)
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) {
		return nil, l.Close()
	}
	return l, nil
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("locking: %w", err)
	}
	return nil
}
