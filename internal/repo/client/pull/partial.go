package pull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// What an unfinished pull leaves beside its target: the target's name, twelve
// digits of the digest, and one of these. Nobody but a pull uses them, and a
// pull that ends well leaves none; whoever wants the space may remove both.
const (
	PartialSuffix = ".partial"
	LockSuffix    = ".lock"
)

// partial is a file that is not whole yet.
type partial struct {
	*os.File
	target string
	lock   *flock.Flock
}

func stem(target, digest string) string { return target + "." + digest[:12] }

// openPartial opens what will become target, as an earlier pull left it, and
// keeps other pulls out. It waits for one that is at work.
func openPartial(ctx context.Context, target, digest string, say func(string)) (*partial, error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return nil, fmt.Errorf("making a place for %s: %w", target, err)
	}
	name := stem(target, digest)
	lock := flock.New(name+LockSuffix, flock.SetPermissions(0o644))
	if err := acquire(ctx, lock, say); err != nil {
		return nil, fmt.Errorf("locking %s: %w", target, err)
	}
	f, err := os.OpenFile(name+PartialSuffix, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening an unfinished pull: %w", err), lock.Close())
	}
	return &partial{f, target, lock}, nil
}

func acquire(ctx context.Context, lock *flock.Flock, say func(string)) error {
	locked, err := lock.TryLock()
	if err != nil || locked {
		return err
	}
	say("another process is at work on the same file; waiting for it")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return err
	}
	return nil
}

// keep leaves the file for the next pull.
func (p *partial) keep() { _ = errors.Join(p.Close(), p.lock.Close()) }

// finish makes the file the target. All of it is on the disk when finish
// returns.
func (p *partial) finish() error {
	if err := p.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", p.target, asSpaceError(p.target, err))
	}
	if err := durable.Rename(p.Name(), p.target); err != nil {
		return err
	}
	_ = os.Remove(p.lock.Path())
	return nil
}

// drop removes the file, for which there is no use.
func (p *partial) drop() {
	_ = errors.Join(os.Remove(p.Name()), os.Remove(p.lock.Path()))
}

// requireSpace returns a [*SpaceError] unless needed bytes are free in dir.
func requireSpace(dir string, needed int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("looking for space in %s: %w", dir, err)
	}
	free := int64(stat.Bavail) * stat.Bsize //nolint:gosec // no disk is that large
	if needed > free {
		return &SpaceError{Dir: dir, Needed: needed, Free: free}
	}
	return nil
}

// asSpaceError says it if err is of a full disk.
func asSpaceError(path string, err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return &SpaceError{Dir: filepath.Dir(path)}
	}
	return err
}

// phase runs a piece of work as a phase.
func phase(sink event.Sink, name, text string, work func(*event.Phase) (string, error)) error {
	p := event.Start(sink, name, text)
	text, err := work(p)
	return p.End(event.OK, text, err)
}
