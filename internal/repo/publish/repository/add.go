package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// addition is a version that was uploaded.
type addition struct {
	files   map[string]layout.Reference // as they are to be signed, by path
	version layout.VersionManifest      // as readers decode it
	changes *changes.Changes            // the same; nil if nothing was before it
	sum     uploaded
}

// summary says what is new, or "".
func (a addition) summary() string {
	if a.changes == nil {
		return ""
	}
	return a.changes.Packages.Summary()
}

// add uploads a new version, which follows the version before.
func (r *Repository) add(ctx context.Context, current picture, known library, version, before string, images []image) (addition, error) {
	begun := upload{Version: version, Fingerprint: fingerprint(images), Started: r.Now().UTC().Truncate(time.Second)}
	if _, err := writeNote(ctx, r.store, uploadFile, note[upload]{}, begun); err != nil {
		return addition{}, err
	}
	temporary, err := scratch.New(r.Scratch, "publish")
	if err != nil {
		return addition{}, err
	}
	defer temporary.Close()
	v, files, err := r.stage(ctx, current.notes.said.Product, version, known, images, temporary)
	if err != nil {
		return addition{}, err
	}
	v.Previous = before
	if v.Images, err = r.measureUpdates(ctx, current.State, known, v.Images, files, temporary); err != nil {
		return addition{}, err
	}
	news, err := r.compare(ctx, current, known, v, files)
	if err != nil {
		return addition{}, err
	}
	if files, err = r.describe(v, append(files, news...)); err != nil {
		return addition{}, err
	}
	sum, err := r.upload(ctx, version, files)
	if err != nil {
		return addition{}, err
	}
	return added(version, files, sum)
}

// added returns what was uploaded as readers see it from now on.
func added(version string, files []staged, sum uploaded) (addition, error) {
	a := addition{files: map[string]layout.Reference{}, sum: sum}
	var err error
	for _, file := range files {
		a.files[layout.Version(version, file.Name)] = layout.Reference{Size: file.Size, SHA256: file.SHA256}
		switch file.Name {
		case layout.ManifestFile:
			a.version, err = layout.DecodeVersion(file.content)
		case changes.FileName:
			var c changes.Changes
			c, err = changes.Decode(file.content)
			a.changes = &c
		}
		if err != nil {
			return a, err
		}
	}
	maps.Copy(a.files, lentTo(a.version))
	return a, nil
}

// compare returns changes.json, if the version that v follows is known.
func (r *Repository) compare(ctx context.Context, current picture, known library, v layout.VersionManifest, files []staged) ([]staged, error) {
	for _, before := range known.versions() {
		if before.Version != v.Previous {
			continue
		}
		old, err := changes.OfVersion(before, r.readerOf(ctx, filesOf(current.State, before), before), nil)
		if err != nil {
			return nil, fmt.Errorf("comparing %s with %s: %w", before.Version, v.Version, err)
		}
		v.Files = slices.Concat(v.Files, filesIn(files))
		lent := r.readerOf(ctx, lentTo(v), v)
		fresh, err := changes.OfVersion(v, func(name string) ([]byte, error) {
			if v.Holder(name) != v.Version {
				return lent(name)
			}
			return readStaged(files, name)
		}, nil)
		if err != nil {
			return nil, fmt.Errorf("comparing %s with %s: %w", before.Version, v.Version, err)
		}
		content, err := changes.Compare(old, fresh).Encode()
		return []staged{stagedContent(changes.FileName, layout.Changes, content)}, err
	}
	return nil, nil
}

// readerOf returns how the signed files of a version are read.
func (r *Repository) readerOf(ctx context.Context, files map[string]layout.Reference, v layout.VersionManifest) changes.Read {
	return func(name string) ([]byte, error) {
		file := v.Path(name)
		return r.readPinned(ctx, file, files[file])
	}
}
