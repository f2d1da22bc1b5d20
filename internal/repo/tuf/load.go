package tuf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

// Most that is read of a file, in bytes, and roots that are followed: those of
// every client of the library.
const (
	rootLimit      = 512_000
	timestampLimit = 16_384
	snapshotLimit  = 2_000_000
	targetsLimit   = 5_000_000
	rootSteps      = 256
)

// Fetch returns the file at a path of the repository, and an error that is
// [io/fs.ErrNotExist] if there is none. It reads no more than limit bytes.
type Fetch func(ctx context.Context, path string, limit int64) ([]byte, error)

// Load reads the state of a repository and verifies it, beginning with the
// ring's first root, or without a ring with the repository's own. What has
// expired is loaded, too: to publish is to renew it. A repository without
// anything gives the zero State.
func Load(ctx context.Context, r *Ring, fetch Fetch) (State, error) {
	version, first := int64(1), []byte(nil)
	if r != nil {
		var err error
		if version, first, err = r.Root(); err != nil {
			return State{}, err
		}
	}
	there, err := fetch(ctx, layout.Metadata(fileName(metadata.ROOT, version)), rootLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading the repository's first root: %w", err)
	}
	if r == nil {
		first = there
	} else if !sameSigned(there, first) {
		return State{}, &ConflictError{File: r.metadata(metadata.ROOT, version), Err: errors.New("the repository has another root of that version")}
	}
	roots, err := follow(ctx, fetch, first)
	if err != nil {
		return State{}, err
	}
	state, err := newest(ctx, fetch, roots)
	state.first = rootDocument{md: roots[0].md, raw: there}
	return state, err
}

// follow returns the roots of a repository from the first one on.
func follow(ctx context.Context, fetch Fetch, first []byte) ([]rootDocument, error) {
	root, err := parse[metadata.RootType](first)
	if err != nil {
		return nil, fmt.Errorf("reading the ring's first root: %w", err)
	}
	roots := []rootDocument{root}
	for range rootSteps {
		version := root.md.Signed.Version + 1
		path := layout.Metadata(fileName(metadata.ROOT, version))
		content, err := fetch(ctx, path, rootLimit)
		if errors.Is(err, fs.ErrNotExist) {
			return roots, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		next, err := parse[metadata.RootType](content)
		if err == nil {
			err = follows(root, next, version)
		}
		if err != nil {
			return nil, fmt.Errorf("verifying %s: %w", path, err)
		}
		root, roots = next, append(roots, next)
	}
	return nil, fmt.Errorf("the repository has more than %d roots", rootSteps)
}

// newest reads what is current. A publisher may have died between a new root
// and the first timestamp that is signed for it: then the timestamp is believed
// by the root before.
func newest(ctx context.Context, fetch Fetch, roots []rootDocument) (State, error) {
	var first error
	for i := len(roots) - 1; i >= 0; i-- {
		l, err := newLoader(fetch, roots[i])
		if err != nil {
			return State{}, err
		}
		err = l.load(ctx)
		if err == nil {
			l.state.root = roots[len(roots)-1]
			return l.state, nil
		}
		if first == nil {
			first = err
		}
		if !errors.As(err, new(*metadata.ErrUnsignedMetadata)) {
			break
		}
	}
	return State{}, first
}

// loader reads what is current under one root.
type loader struct {
	fetch   Fetch
	trusted *trustedmetadata.TrustedMetadata
	state   State
}

func newLoader(fetch Fetch, root rootDocument) (*loader, error) {
	trusted, err := trustedmetadata.New(root.raw)
	if err != nil {
		return nil, fmt.Errorf("reading a root: %w", err)
	}
	trusted.RefTime = time.Time{} // nothing has expired yet
	return &loader{fetch: fetch, trusted: trusted, state: State{channels: map[string]targetsDocument{}}}, nil
}

func (l *loader) load(ctx context.Context) error {
	err := l.timestamp(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := l.snapshot(ctx); err != nil {
		return err
	}
	l.state.targets, err = l.role(ctx, metadata.TARGETS, metadata.ROOT)
	if err != nil {
		return err
	}
	for _, channel := range l.state.Channels() {
		if l.state.snapshot.md.Signed.Meta[channel+".json"] == nil {
			continue
		}
		if l.state.channels[channel], err = l.role(ctx, channel, metadata.TARGETS); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) timestamp(ctx context.Context) error {
	content, err := l.fetch(ctx, Timestamp, timestampLimit)
	if err != nil {
		return fmt.Errorf("reading %s: %w", Timestamp, err)
	}
	l.state.timestamp, err = checked(Timestamp, content, l.trusted.UpdateTimestamp)
	return err
}

func (l *loader) snapshot(ctx context.Context) error {
	meta := l.state.timestamp.md.Signed.Meta["snapshot.json"]
	if meta == nil {
		return fmt.Errorf("%s names no snapshot", Timestamp)
	}
	path := layout.Metadata(fileName(metadata.SNAPSHOT, meta.Version))
	content, err := l.fetch(ctx, path, snapshotLimit)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	l.state.snapshot, err = checked(path, content, func(raw []byte) (*metadata.Metadata[metadata.SnapshotType], error) {
		return l.trusted.UpdateSnapshot(raw, false)
	})
	return err
}

func (l *loader) role(ctx context.Context, name, delegator string) (targetsDocument, error) {
	meta := l.state.snapshot.md.Signed.Meta[name+".json"]
	if meta == nil {
		return targetsDocument{}, fmt.Errorf("the repository's snapshot does not name %s", name)
	}
	path := layout.Metadata(fileName(name, meta.Version))
	content, err := l.fetch(ctx, path, targetsLimit)
	if err != nil {
		return targetsDocument{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return checked(path, content, func(raw []byte) (*metadata.Metadata[metadata.TargetsType], error) {
		return l.trusted.UpdateDelegatedTargets(raw, name, delegator)
	})
}

// checked reads a document that the library verifies.
func checked[T metadata.Roles](path string, raw []byte, verify func([]byte) (*metadata.Metadata[T], error)) (d document[T], err error) {
	err = guard.Call(func() error {
		_, err := verify(raw)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("verifying %s: %w", path, err)
	}
	if d, err = parse[T](raw); err != nil {
		return d, fmt.Errorf("reading %s: %w", path, err)
	}
	return d, nil
}
