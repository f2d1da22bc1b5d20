// Package repository is the publisher's side of an image repository: it puts
// versions in, moves channels between them and takes old versions out. Whatever
// ends it, and whoever works beside it, readers see the state before or the
// state after: only one small file is ever changed in place, last of all.
package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Options are what a publisher may set. The zero value is good.
type Options struct {
	Policy  *tuf.Policy // nil: [tuf.DefaultPolicy]
	Product string      // what files' names begin with; "": as before, or "amigo"
	// Existing refuses a place without a repository, where else one is begun.
	Existing bool
	// PublicURL is where the public reads the repository. With it, what was
	// uploaded is read back from there. It is remembered for the pages.
	PublicURL string
	// Issues is the address where people ask for help, for the pages. It is
	// remembered.
	Issues string
	// Publisher is the name of who publishes, for the pages and feeds. It is
	// remembered; without it they name the host of the public address.
	Publisher string
	// Screenshot is a file, a PNG of AmiGO as it runs, for the pages. It is
	// remembered.
	Screenshot string
	// SinglePublisher says that people see to it that only one publishes; it
	// allows stores that cannot keep publishers apart.
	SinglePublisher bool
	Wait            time.Duration // for another publisher
	By              string        // who does it; "": user@host
	Scratch         string        // directory for temporary disks; "": $TMPDIR or /var/tmp
	Sink            event.Sink    // nil: nobody is told
	Now             func() time.Time
}

// storage is what a publisher needs of a [store.Store].
type storage interface {
	overlaid
	ReadTagged(ctx context.Context, path string) ([]byte, store.Tag, error)
	Lock(ctx context.Context, by string, wait time.Duration) (held context.Context, unlock func(), err error)
	Probe(ctx context.Context) error
	Open(ctx context.Context, path string) (io.ReadCloser, error)
	Stat(ctx context.Context, path string) (store.Entry, error)
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Private(paths []string) (path string, mode fs.FileMode)
	Create(ctx context.Context, path string, body io.Reader) error
	Put(ctx context.Context, path string, content []byte) error
	Place(ctx context.Context, path string, content []byte) error
	Swap(ctx context.Context, path string, tag store.Tag, content []byte) error
	Remove(ctx context.Context, path string) error
	Close() error
}

// Repository is an image repository as its publishers see it.
type Repository struct {
	Options
	store  storage
	ring   *tuf.Ring
	policy tuf.Policy
	shot   screenshot
	public origin.Origin // nil: only the store is read
}

// Open opens the repository at a location; see [store.Open]. It may be empty.
// The ring has the keys of the roles that are to be signed. Without one, the
// repository can only be read.
func Open(ctx context.Context, location string, ring *tuf.Ring, options Options) (*Repository, error) {
	r := &Repository{Options: options, ring: ring, policy: tuf.DefaultPolicy()}
	if err := options.check(); err != nil {
		return nil, err
	}
	r.By = cmp.Or(r.By, store.Me())
	r.Scratch = cmp.Or(r.Scratch, os.Getenv("TMPDIR"), "/var/tmp") // /tmp may be memory
	if r.Policy != nil {
		r.policy = *r.Policy
	}
	if r.Sink == nil {
		r.Sink = event.Discard
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if ring != nil {
		for _, file := range ring.Exposed() {
			r.Sink.Emit(event.Event{Type: event.Warning, Text: "other users can read the private key " + file + ": chmod 600 " + file})
		}
	}
	var err error
	if r.Screenshot != "" {
		if r.shot, err = readScreenshot(r.Screenshot); err != nil {
			return nil, invalid("screenshot", err)
		}
	}
	if r.PublicURL != "" {
		if r.public, err = origin.Open(r.PublicURL); err != nil {
			return nil, fmt.Errorf("opening the public address: %w", err)
		}
	}
	open := store.OpenNew
	if r.Existing {
		open = store.Open
	}
	r.store, err = open(ctx, location)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{Location: address.Shown(location)}
	}
	return r, err
}

// MissingError says that there is no repository at a place.
type MissingError struct{ Location string }

func (e *MissingError) Error() string { return "there is no image repository at " + e.Location }

// Fault implements [fault.Reporter].
func (e *MissingError) Fault() fault.Report {
	return fault.Report{What: "there is no image repository there", Where: e.Location, Code: fault.NotFound, Try: fault.To(fault.PublishTo, e.Location)}
}

// Close frees what the repository holds.
func (r *Repository) Close() error { return r.store.Close() }

// Location returns where the repository is.
func (r *Repository) Location() string { return r.store.Location() }

// ForeignError says that a place holds what is not a repository of ours.
type ForeignError struct {
	Location string
	Found    string // a file
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is not empty and no image repository: it holds %s", e.Location, e.Found)
}

// Fault implements [fault.Reporter].
func (e *ForeignError) Fault() fault.Report {
	return fault.Report{
		What: "the place is neither empty nor an image repository", Where: e.Error(), Code: fault.Publish,
		Try: fault.To(fault.Advise, "an empty directory, or a new one inside it"),
	}
}

// NotFoundError says that a repository has no such version or channel.
type NotFoundError struct {
	Location string
	Kind     string // "channel", "version", or "channel or version"
	Name     string
	Known    []string // names of that kind that it has
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s has no %s %q", e.Location, e.Kind, e.Name)
}

// Fault implements [fault.Reporter].
func (e *NotFoundError) Fault() fault.Report {
	return fault.Report{
		What: fmt.Sprintf("there is no %s %q", e.Kind, e.Name), Where: e.Location, Code: fault.NotFound,
		Try: fault.Meant(e.Name, e.Known),
	}
}

// locked runs do while no other publisher is at the repository. A dry run only
// reads, and locks nobody out.
func locked[T any](ctx context.Context, r *Repository, what string, dryRun bool, do func(ctx context.Context) (T, error)) (T, error) {
	if dryRun {
		return do(ctx)
	}
	held, unlock, err := r.store.Lock(ctx, r.By+", "+what, r.Wait)
	if err != nil {
		var none T
		return none, err
	}
	defer unlock()
	done, err := do(held)
	if err != nil && errors.Is(context.Cause(held), store.ErrLockLost) {
		return done, store.ErrLockLost
	}
	return done, err
}

// checkEmpty refuses a place that others use.
func (r *Repository) checkEmpty(ctx context.Context) error {
	for _, name := range []string{layout.PageFile, layout.ChannelsFile, layout.RootFile, tuf.Timestamp} {
		_, err := r.store.Stat(ctx, name)
		if err == nil {
			return &ForeignError{Location: r.Location(), Found: name}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// open opens a file as the public reads it, if there is a public address.
func (r *Repository) open(ctx context.Context, path string, size int64) (io.ReadCloser, error) {
	if r.public != nil {
		return r.public.Open(ctx, path, size)
	}
	return r.store.Open(ctx, path)
}
