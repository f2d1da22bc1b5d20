package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// library is what a publisher has read of versions, or made, by what is signed
// of each file: such a file never changes, so nobody has to read it twice. The
// zero value is an empty one. It is a value: nothing changes it.
type library struct {
	manifests map[layout.Reference]layout.VersionManifest
	changes   map[layout.Reference]changes.Changes
}

// read returns a library of the versions that channels sign. What is known
// already is not read.
func (r *Repository) read(ctx context.Context, state tuf.State, known library) (library, error) {
	read := library{manifests: map[layout.Reference]layout.VersionManifest{}, changes: known.changes}
	for name, pinned := range signedVersions(state) {
		v, there := known.manifests[pinned]
		if !there {
			var err error
			if v, err = r.readVersion(ctx, name, pinned); err != nil {
				return known, err
			}
		}
		read.manifests[pinned] = v
	}
	return read, nil
}

// versions returns the versions, newest first.
func (l library) versions() []layout.VersionManifest {
	return slices.SortedFunc(maps.Values(l.manifests), func(a, b layout.VersionManifest) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Version, a.Version))
	})
}

// with returns the library with a version that was made.
func (l library) with(fresh addition) library {
	file := func(name string) layout.Reference { return fresh.files[layout.Version(fresh.version.Version, name)] }
	grown := library{manifests: maps.Clone(l.manifests), changes: maps.Clone(l.changes)}
	grown.manifests[file(layout.ManifestFile)] = fresh.version
	if fresh.changes != nil {
		if grown.changes == nil {
			grown.changes = map[layout.Reference]changes.Changes{}
		}
		grown.changes[file(changes.FileName)] = *fresh.changes
	}
	return grown
}

// news returns what is new in each version, by its name.
func (r *Repository) news(ctx context.Context, state tuf.State, known library) (map[string]changes.Changes, error) {
	news := map[string]changes.Changes{}
	for _, v := range known.versions() {
		files := filesOf(state, v.Version)
		if c, there := known.changes[files[layout.Version(v.Version, changes.FileName)]]; there {
			news[v.Version] = c
			continue
		}
		content, err := r.readerOf(ctx, files, v.Version)(changes.FileName)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if news[v.Version], err = changes.Decode(content); err != nil {
			return nil, fmt.Errorf("%s: %w", v.Version, err)
		}
	}
	return news, nil
}
