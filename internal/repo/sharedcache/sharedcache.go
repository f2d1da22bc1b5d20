// Package sharedcache is a cache that several hosts share. It is in a store like
// those that images are published to. An entry is an archive, named after its
// digest and written once, and a record, written last, that names the archive.
package sharedcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// How long a store may take for a small answer, and for each step of a long one.
const patience = time.Minute

// errSlow ends the context of what a store lets wait.
var errSlow = errors.New("the store does not answer, or is too slow")

// errNone says that nobody has made an entry yet.
var errNone = errors.New("it is not in the shared cache")

// Cache is a [cache.Shared] in a store. The store is opened when it is needed
// for the first time; one that does not answer is not asked again.
type Cache struct {
	location string
	sink     event.Sink
	phases   map[string]string
	patience time.Duration

	mu      sync.Mutex
	store   *store.Store // nil: not open
	release func()
	dead    bool
	damaged map[string]bool // archives, by path, to be replaced
}

var _ cache.Shared = (*Cache)(nil)

// New returns the cache in the store at a location, an address as [store.Open]
// takes it. What it does it tells sink, as a part of the phase that phases names
// for the kind of entry. It must be closed.
func New(location string, sink event.Sink, phases map[string]string) *Cache {
	return &Cache{location: location, sink: sink, phases: phases, patience: patience, damaged: map[string]bool{}}
}

// Probe returns why the store at a location can't be read, or nil.
func Probe(ctx context.Context, location string) error {
	s, err := store.Open(ctx, location)
	if err != nil {
		return err
	}
	_, err = s.Read(ctx, entry{kind: "base", key: "probe"}.record())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.Close())
}

// Close frees what the cache holds.
func (c *Cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store != nil {
		_ = c.store.Close() // all that was written is there, or was reported
		c.release()
	}
	c.store, c.dead = nil, true
}

// Take implements [cache.Shared].
func (c *Cache) Take(ctx context.Context, kind, key, dir string) (taken bool) {
	s := c.reach(ctx)
	if s == nil {
		return false
	}
	began := time.Now()
	e := entry{kind: kind, key: key, phase: c.phases[kind]}
	found, err := c.take(ctx, s, e, dir)
	if err == nil {
		took := time.Since(began).Round(time.Second / 10)
		c.tell(event.Message, e, fmt.Sprintf("%s: taken from the shared cache, %s in %s", kind, bytesize.Of(found.Size), took))
		return true
	}
	if ctx.Err() == nil && !errors.Is(err, errNone) {
		c.failed(e, "not taken from the shared cache", err)
	}
	return false
}

// Offer implements [cache.Shared].
func (c *Cache) Offer(ctx context.Context, kind, key, dir, work string) {
	s := c.reach(ctx)
	if s == nil {
		return
	}
	e := entry{kind: kind, key: key, phase: c.phases[kind]}
	written, err := c.offer(ctx, s, e, dir, work)
	switch {
	case err == nil && written.Size > 0:
		c.tell(event.Message, e, fmt.Sprintf("%s: put into the shared cache, %s", kind, bytesize.Of(written.Size)))
	case err != nil && ctx.Err() == nil:
		c.failed(e, "not put into the shared cache", err)
	}
}

// reach returns the store, or nil if it cannot be used.
func (c *Cache) reach(ctx context.Context) *store.Store {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.store != nil {
		return c.usable()
	}
	opened, release, err := c.open(ctx)
	switch {
	case err == nil:
		c.store, c.release = opened, release
	case ctx.Err() == nil:
		c.dead = true
		c.tell(event.Warning, entry{}, fmt.Sprintf("the shared cache %s is not used: %s", address.Shown(c.location), reason(err)))
	}
	return c.usable()
}

func (c *Cache) usable() *store.Store {
	if c.dead {
		return nil
	}
	return c.store
}

// open opens the store. Its context is not that of one entry: the libraries keep
// it, to renew credentials.
func (c *Cache) open(ctx context.Context) (*store.Store, func(), error) {
	opening, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	timer := time.AfterFunc(c.patience, func() { cancel(errSlow) })
	s, err := store.Open(opening, c.location)
	inTime := timer.Stop()
	stop()
	if err == nil && !inTime {
		err = errors.Join(errSlow, s.Close())
	}
	if err != nil {
		err = because(opening, err)
		cancel(nil)
		return nil, nil, err
	}
	return s, func() { cancel(nil) }, nil
}

// failed reports what did not work. A store that does not answer once would be
// waited for again and again.
func (c *Cache) failed(e entry, what string, err error) {
	if errors.Is(err, errSlow) {
		c.mu.Lock()
		c.dead = true
		c.mu.Unlock()
	}
	c.tell(event.Warning, e, fmt.Sprintf("%s: %s: %s", e.kind, what, reason(err)))
}

func (c *Cache) tell(kind event.Type, e entry, text string) {
	c.sink.Emit(event.Event{Type: kind, Phase: e.phase, Text: text})
}

// spoil remembers that an archive in the store is not what it should be.
func (c *Cache) spoil(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.damaged[path] = true
}

func (c *Cache) isSpoiled(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.damaged[path]
}

// reason says in one line why something failed.
func reason(err error) string {
	var scheme *store.SchemeError
	var access *store.AccessError
	switch {
	case errors.As(err, &scheme):
		return fmt.Sprintf("%s:// is not the address of a store", scheme.Scheme)
	case errors.As(err, &access) && access.Err != nil:
		return fmt.Sprintf("%v (%s)", access, fault.Cause(address.Error(access.Err)))
	case errors.Is(err, errSlow):
		return errSlow.Error()
	case errors.Is(err, fs.ErrPermission):
		return "the store does not permit it"
	}
	return address.Error(err).Error()
}

// because returns why a context ended, if that is why something failed, else err.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
