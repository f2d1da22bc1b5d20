package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// lockPath is the lock of a store: an object in an object store, the file that
// is locked in a directory.
var lockPath = path.Join(layout.StateDir, "lock")

// How long the lock of a publisher that does not renew it holds, how often it
// is renewed, and how often one who waits looks.
const (
	lockLife  = 10 * time.Minute
	lockRenew = 2 * time.Minute
	lockPoll  = 2 * time.Second
)

// ErrLockLost ends the context of a publisher whose lock somebody took over.
var ErrLockLost error = overtaken("the lock of the repository was lost")

// Owner is who holds a lock.
type Owner struct {
	By      string    `json:"by"` // such as "me@host, publish"
	Nonce   string    `json:"nonce,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // of an object; that of a file ends with its process
}

// LockedError says that somebody else is at the repository.
type LockedError struct {
	Location string
	Owner    Owner
}

func (e *LockedError) Error() string {
	text := fmt.Sprintf("%s is locked by %s", e.Location, e.Owner.By)
	if !e.Owner.Expires.IsZero() {
		text += ", until " + e.Owner.Expires.UTC().Format(time.RFC3339) + " at the latest"
	}
	return text
}

// Fault implements [fault.Reporter].
func (e *LockedError) Fault() fault.Report {
	return fault.Report{
		What: "another publisher holds the lock of the repository", Where: e.Error(), Code: fault.Locked,
		Try: fault.Retry(fault.WaitForLock),
	}
}

// Lock takes the store's lock. It waits for another publisher as long as wait,
// then the error is a [*LockedError]. The context that it returns ends when
// the lock is lost. unlock must be called.
//
// The lock is politeness; that nobody's work is lost is up to [Store.Swap].
func (s *Store) Lock(ctx context.Context, by string, wait time.Duration) (held context.Context, unlock func(), err error) {
	who := Owner{By: by, Nonce: rand.Text()}
	deadline := time.Now().Add(wait)
	var locked *LockedError
	for {
		held, unlock, err := s.backend.lock(ctx, who)
		if !errors.As(err, &locked) {
			return held, unlock, err
		}
		locked.Location = s.location
		if time.Now().Add(lockPoll).After(deadline) {
			return nil, nil, locked
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("waiting for the lock: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// lock makes the object that is the lock, or takes over one that has expired.
func (o *objects) lock(ctx context.Context, who Owner) (context.Context, func(), error) {
	s := &Store{backend: o}
	content, tag, err := s.ReadTagged(ctx, lockPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var other Owner
	if err == nil && json.Unmarshal(content, &other) == nil && time.Now().Before(other.Expires) {
		return nil, nil, &LockedError{Owner: other}
	}
	err = s.Swap(ctx, lockPath, tag, who.renewed())
	if errors.Is(err, ErrChanged) || errors.Is(err, fs.ErrExist) {
		return nil, nil, &LockedError{Owner: Owner{By: "another publisher"}}
	}
	if err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go s.keepLock(held, who, lose, done)
	return held, func() {
		lose(nil)
		<-done
		s.unlock(context.WithoutCancel(ctx), who)
	}, nil
}

func (w Owner) renewed() []byte {
	w.Expires = time.Now().UTC().Truncate(time.Second).Add(lockLife)
	content, _ := json.Marshal(w) // of strings and a time of this century
	return append(content, '\n')
}

// keepLock renews the lock until the context ends, and ends it if it cannot.
func (s *Store) keepLock(ctx context.Context, who Owner, lose context.CancelCauseFunc, done chan<- struct{}) {
	defer close(done)
	good := time.Now().Add(lockLife)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lockRenew):
		}
		tag, mine, err := s.holds(ctx, who)
		switch {
		case err == nil && mine && s.Swap(ctx, lockPath, tag, who.renewed()) == nil:
			good = time.Now().Add(lockLife)
		case err == nil && !mine, time.Now().Add(lockRenew).After(good):
			lose(ErrLockLost)
			return
		}
	}
}

// holds tells whether the lock is still that of who.
func (s *Store) holds(ctx context.Context, who Owner) (tag Tag, mine bool, err error) {
	content, tag, err := s.ReadTagged(ctx, lockPath)
	if errors.Is(err, fs.ErrNotExist) {
		return tag, false, nil
	}
	var holder Owner
	mine = err == nil && json.Unmarshal(content, &holder) == nil && holder.Nonce == who.Nonce
	return tag, mine, err
}

func (s *Store) unlock(ctx context.Context, who Owner) {
	ctx, cancel := context.WithTimeout(ctx, lockRenew)
	defer cancel()
	if _, mine, _ := s.holds(ctx, who); mine {
		_ = s.Remove(ctx, lockPath) // else it expires
	}
}

// Me names the person and the host of this process, such as "me@host".
func Me() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	name := os.Getenv("USER")
	if current, err := user.Current(); name == "" && err == nil {
		name = current.Username
	}
	return cmp.Or(name, fmt.Sprintf("uid%d", os.Getuid())) + "@" + host
}
