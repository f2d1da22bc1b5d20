package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
)

// maxUpdates is from how many of the newest versions an update is measured,
// besides those that channels are at. Each costs reading an index.
const maxUpdates = 7

// measureUpdates says of each image how much travels to who has an older
// version, so that nobody has to fetch an index to know.
func (r *Repository) measureUpdates(ctx context.Context, state tuf.State, known library, images []layout.Image, files []staged, temporary *scratch.Dir) ([]layout.Image, error) {
	older, err := measuredFrom(state, known.versions())
	if err != nil {
		return nil, err
	}
	measured := slices.Clone(images)
	for i, image := range images {
		if image.In != "" {
			continue // it was measured when it came
		}
		file, err := findStaged(files, image.Files[layout.Index])
		if err != nil {
			return nil, err
		}
		index, err := chunk.Open(file.path)
		if err != nil {
			return nil, err
		}
		measured[i].Updates, err = r.updatesOf(ctx, state, older, image.Variant, index, temporary)
		if err := errors.Join(err, index.Close()); err != nil {
			return nil, err
		}
	}
	return measured, nil
}

// updatesOf returns how many bytes come to who has an older version of a
// variant, by its name. Who has another variant is told nothing.
func (r *Repository) updatesOf(ctx context.Context, state tuf.State, older []layout.VersionManifest, variant string, index *chunk.Index, temporary *scratch.Dir) (map[string]int64, error) {
	var updates map[string]int64
	for _, before := range older {
		old, err := before.Image(variant)
		if err != nil {
			continue
		}
		bytes, err := r.measureUpdate(ctx, filesOf(state, before), before.Path(old.Files[layout.Index]), index, temporary)
		if err != nil {
			return nil, fmt.Errorf("measuring the update from %s: %w", before.Version, err)
		}
		if updates == nil {
			updates = map[string]int64{}
		}
		updates[before.Version] = bytes
	}
	return updates, nil
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

func (r *Repository) measureUpdate(ctx context.Context, files map[string]layout.Reference, old string, index *chunk.Index, temporary *scratch.Dir) (int64, error) {
	seed, err := r.readIndex(ctx, old, files[old], temporary.Path("older.chunks"))
	if err != nil {
		return 0, err
	}
	plan, err := pull.Make(index, pull.Seed{Index: seed})
	return plan.Fetch, errors.Join(err, seed.Close())
}

// readIndex reads the chunk index of a version, by way of a file at path: it may
// be large.
func (r *Repository) readIndex(ctx context.Context, file string, pinned layout.Reference, path string) (*chunk.Index, error) {
	body, err := r.store.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	out, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	if err := copyPinned(out, body, file, pinned); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	index, err := chunk.ReadFile(out)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return index, nil
}
