package repository

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// maxUpdates is from how many of the newest versions an update is measured,
// besides those that channels are at. Each costs reading an index.
const maxUpdates = 7

// measureUpdates tells of each image how much travels to who has an older
// version, so that nobody has to fetch an index to know.
func (r *Repository) measureUpdates(ctx context.Context, state tuf.State, known []layout.VersionManifest, v *layout.VersionManifest, files []staged, temporary *scratch.Dir) error {
	measured, err := measuredFrom(state, known)
	if err != nil {
		return err
	}
	for i := range v.Images {
		image := &v.Images[i]
		file, err := findStaged(files, image.Files[layout.Index])
		if err != nil {
			return err
		}
		index, err := chunk.Open(file.path)
		if err != nil {
			return err
		}
		for _, before := range measured {
			if err = r.measureUpdate(ctx, state, before, image, index, temporary); err != nil {
				err = fmt.Errorf("measuring the update from %s: %w", before.Version, err)
				break
			}
		}
		if err := errors.Join(err, index.Close()); err != nil {
			return err
		}
	}
	return nil
}

// measuredFrom returns the versions from which updates are measured.
func measuredFrom(state tuf.State, known []layout.VersionManifest) ([]layout.VersionManifest, error) {
	at, err := channelVersions(state)
	if err != nil {
		return nil, err
	}
	var measured []layout.VersionManifest
	for n, before := range known {
		if n < maxUpdates || at[before.Version] {
			measured = append(measured, before)
		}
	}
	return measured, nil
}

// channelVersions are the versions that channels are at.
func channelVersions(state tuf.State) (map[string]bool, error) {
	at := map[string]bool{}
	for _, name := range state.Channels() {
		channel, _, err := state.Channel(name)
		if err != nil {
			return nil, err
		}
		at[channel.Version] = true
	}
	return at, nil
}

func (r *Repository) measureUpdate(ctx context.Context, state tuf.State, before layout.VersionManifest, image *layout.Image, index *chunk.Index, temporary *scratch.Dir) error {
	old, err := before.Image(image.Variant)
	if err != nil {
		return nil //nolint:nilerr // who has another variant is told nothing
	}
	seed, err := r.readIndex(ctx, state, before.Version, old.Files[layout.Index], temporary.Path("older.chunks"))
	if err != nil {
		return err
	}
	plan, err := pull.Make(index, pull.Seed{Index: seed})
	if err := errors.Join(err, seed.Close()); err != nil {
		return err
	}
	if image.Updates == nil {
		image.Updates = map[string]int64{}
	}
	image.Updates[before.Version] = plan.Fetch
	return nil
}

// readIndex reads the chunk index of a version, by way of a file: it may be
// large.
func (r *Repository) readIndex(ctx context.Context, state tuf.State, version, name, path string) (*chunk.Index, error) {
	file := layout.Version(version, name)
	body, err := r.store.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	out, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	if err := copyPinned(out, body, file, filesOf(state, version)[file]); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	index, err := chunk.ReadFile(out)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return index, nil
}
