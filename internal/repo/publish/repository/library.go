package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
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

// version returns the version of a name. One that is not there has nothing but its name.
func (l library) version(name string) layout.VersionManifest {
	for _, v := range l.manifests {
		if v.Version == name {
			return v
		}
	}
	return layout.VersionManifest{Version: name}
}

// lend returns an image that some version has already, as another version has it, and its
// files. It looks at the newest version first.
func (l library) lend(one image) (lent layout.Image, files []manifest.File, there bool) {
	for _, v := range l.versions() {
		found, err := v.Image(one.variant())
		if err != nil {
			continue
		}
		if disk, err := v.File(found, manifest.Disk); err != nil || disk.SHA256 != one.disk.SHA256 {
			continue
		}
		found.In = cmp.Or(found.In, v.Version)
		// Who has it needs nothing of it.
		found.Updates = maps.Clone(found.Updates)
		if found.Updates == nil {
			found.Updates = map[string]int64{}
		}
		found.Updates[v.Version] = 0
		for _, file := range v.Files {
			if slices.Contains(slices.Collect(maps.Values(found.Files)), file.Name) {
				files = append(files, file)
			}
		}
		return found, files, true
	}
	return layout.Image{}, nil, false
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
		files := filesOf(state, v)
		if c, there := known.changes[files[layout.Version(v.Version, changes.FileName)]]; there {
			news[v.Version] = c
			continue
		}
		content, err := r.readerOf(ctx, files, v)(changes.FileName)
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
