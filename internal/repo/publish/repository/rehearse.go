package repository

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// errRefused says that a rehearsal failed. The state may be wrong, or older than
// a root that somebody has published since it was read.
var errRefused = errors.New("readers would refuse it")

// rehearse reads the next state with a reader's own code, before any reader
// can: the store with another timestamp laid over it.
func (r *Repository) rehearse(ctx context.Context, timestamp []byte, next tuf.State) error {
	_, pin, err := r.ring.Root()
	if err != nil {
		return err
	}
	memory, err := scratch.New(r.Scratch, "rehearsal")
	if err != nil {
		return err
	}
	defer memory.Close()
	client := trust.OpenAt(memory.Path("reader"), &overlay{store: r.store, timestamp: timestamp}, pin)
	client.Now = r.Now
	view, err := client.Refresh(ctx)
	if err == nil {
		err = compareView(ctx, view, next)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return nil
}

// compareView tells what a reader sees that is not what was signed.
func compareView(ctx context.Context, view *trust.View, next tuf.State) error {
	if view.Version() != next.Version() {
		return fmt.Errorf("it is snapshot %d instead of %d", view.Version(), next.Version())
	}
	for _, name := range next.Channels() {
		want, there, err := next.Channel(name)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		seen, err := view.Channel(ctx, name)
		if err != nil {
			return err
		}
		if seen.Sequence != want.Sequence || seen.Version != want.Version {
			return fmt.Errorf("%s is at %s instead of %s", name, seen.Version, want.Version)
		}
	}
	return nil
}

// overlaid is a store that only lends its small files.
type overlaid interface {
	Read(ctx context.Context, path string) ([]byte, error)
	Location() string
}

// overlay is a store as it would be with another timestamp.
type overlay struct {
	store     overlaid
	timestamp []byte
}

var _ origin.Origin = (*overlay)(nil)

// errMetadataOnly says that a rehearsal reads no images.
var errMetadataOnly = errors.New("only metadata is rehearsed")

func (o *overlay) Fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	if path == tuf.Timestamp {
		return o.timestamp, nil
	}
	content, err := o.store.Read(ctx, path)
	if err == nil && int64(len(content)) > limit {
		err = &origin.SizeError{URL: o.URL(path), Got: -1, Want: limit}
	}
	return content, err
}

func (*overlay) Range(context.Context, string, int64, int64, int64) (io.ReadCloser, error) {
	return nil, errMetadataOnly
}

func (*overlay) Open(context.Context, string, int64) (io.ReadCloser, error) {
	return nil, errMetadataOnly
}

func (o *overlay) URL(path string) string { return o.store.Location() + "/" + path }
