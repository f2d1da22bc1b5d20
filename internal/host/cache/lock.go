package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

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
	f, err := grab(path, os.O_RDWR|os.O_CREATE, unix.LOCK_EX)
	if f == nil {
		return nil, err
	}
	return func() {
		// While nobody else can have it: no lock stays for an entry that is gone.
		_ = os.Remove(path)
		_ = f.Close()
	}, nil
}

// grab opens path and locks it until the file is closed or this process ends.
// It returns nil if a lock of another is in the way, or if path has become
// another file meanwhile.
func grab(path string, flag, how int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	err = flock(f, how|unix.LOCK_NB)
	if err == nil && sameFile(f, path) {
		return f, nil
	}
	if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return nil, f.Close()
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// sameFile tells whether f is what path names now.
func sameFile(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(ours, named)
}
