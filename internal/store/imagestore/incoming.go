package imagestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Incoming is the directory of an image that is being pulled. What is in it
// stays until it is committed or removed as garbage, so that the next pull goes
// on from there. It must be closed.
type Incoming struct {
	store   Store
	version string
	variant string
	lock    *flock.Flock
}

// Incoming opens the directory for an image that is to come. If another process
// has it, it calls waiting once and waits; the image may be there then.
func (s Store) Incoming(ctx context.Context, version, variant string, waiting func()) (*Incoming, error) {
	if err := layout.CheckVersion(version); err != nil {
		return nil, err
	}
	if !isVariant(variant) {
		return nil, fmt.Errorf("%q is not a valid variant name", variant)
	}
	l, err := s.locker("pull." + version + "." + variant)
	if err != nil {
		return nil, err
	}
	locked, err := l.TryLock()
	if err == nil && !locked {
		waiting()
		_, err = l.TryLockContext(ctx, lockPause)
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for another pull: %w", errors.Join(err, context.Cause(ctx)))
	}
	in := &Incoming{store: s, version: version, variant: variant, lock: l}
	if err := os.MkdirAll(in.Dir(), 0o755); err != nil {
		return nil, errors.Join(fmt.Errorf("making a directory for the image: %w", err), l.Close())
	}
	return in, nil
}

// Dir returns the directory. Committed are its files named [DiskFile] and
// [IndexFile], and what else is there.
func (in *Incoming) Dir() string { return in.store.Unfinished(in.version, in.variant, "") }

// Path returns the path of a file in the directory.
func (in *Incoming) Path(name string) string { return filepath.Join(in.Dir(), name) }

// Link gives the image the disk of another one, which has the same content. A file system
// that can't do that is an error.
func (in *Incoming) Link(same Image) error {
	if err := os.Link(same.Disk(), in.Path(DiskFile)); err != nil {
		return fmt.Errorf("sharing a disk: %w", err)
	}
	return nil
}

// Unfinished returns the path of a file that a pull of the image may have left.
// Whoever pulls may change it at any time.
func (s Store) Unfinished(version, variant, name string) string {
	return s.path(partialDir, version+"."+variant, name)
}

// Commit gives the image its final place. content is the version's manifest.
func (in *Incoming) Commit(ctx context.Context, content []byte, source Source) (Image, error) {
	facts, err := layout.DecodeVersion(content)
	if err != nil {
		return Image{}, err
	}
	err = errors.Join(durable.WriteFile(in.Path(VersionFile), content, 0o644), durable.WriteSecretJSON(in.Path(sourceFile), source))
	if err != nil {
		return Image{}, err
	}
	unlock, err := in.store.lock(ctx)
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	dir := in.store.imageDir(in.version, in.variant)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return Image{}, fmt.Errorf("keeping the image: %w", err)
	}
	if err := durable.Rename(in.Dir(), dir); err != nil {
		return Image{}, fmt.Errorf("keeping the image: %w", err)
	}
	return in.store.found(Image{Version: in.version, Variant: in.variant, Manifest: facts, Digest: manifest.Digest(content), Source: source})
}

// Close gives the directory back; an empty one goes.
func (in *Incoming) Close() error {
	_ = os.Remove(in.Dir()) // unless it holds what the next pull goes on from
	return in.lock.Close()
}

// partials are what pulls have left that nobody is at.
func (s Store) partials() ([]string, error) {
	found, err := names(s.path(partialDir))
	if err != nil {
		return nil, err
	}
	var idle []string
	for _, name := range found {
		l, err := s.locker("pull." + name)
		if err != nil {
			return nil, err
		}
		if free, err := l.TryLock(); err == nil && free {
			idle = append(idle, name)
			_ = l.Close()
		}
	}
	return idle, nil
}
