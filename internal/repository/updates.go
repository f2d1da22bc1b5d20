package repository

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/sign"
)

// maxUpdates is from how many of the newest versions an update is measured,
// besides those that channels are at. Each costs reading an index.
const maxUpdates = 7

// measureUpdates tells of each image how much travels to who has an older
// version, so that nobody has to fetch an index to know.
func (r *Repository) measureUpdates(ctx context.Context, state sign.State, known []layout.VersionManifest, v *layout.VersionManifest, files []staged) error {
	at, err := channelVersions(state)
	if err != nil {
		return err
	}
	for i := range v.Images {
		image := &v.Images[i]
		content, err := readStaged(files, image.Files[layout.Index])
		if err != nil {
			return err
		}
		index, err := chunk.Decode(content)
		if err != nil {
			return err
		}
		for n, before := range known {
			if n >= maxUpdates && !at[before.Version] {
				continue
			}
			if err := r.measureUpdate(ctx, state, before, image, index); err != nil {
				return fmt.Errorf("measuring the update from %s: %w", before.Version, err)
			}
		}
	}
	return nil
}

// channelVersions are the versions that channels are at.
func channelVersions(state sign.State) (map[string]bool, error) {
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

func (r *Repository) measureUpdate(ctx context.Context, state sign.State, before layout.VersionManifest, image *layout.Image, index chunk.Index) error {
	old, err := before.Image(image.Variant)
	if err != nil {
		return nil //nolint:nilerr // who has another variant is told nothing
	}
	content, err := r.readerOf(ctx, state, before.Version)(old.Files[layout.Index])
	if err != nil {
		return err
	}
	seed, err := chunk.Decode(content)
	if err != nil {
		return err
	}
	if image.Updates == nil {
		image.Updates = map[string]int64{}
	}
	image.Updates[before.Version] = pull.Make(index, pull.Seed{Index: seed}).Fetch
	return nil
}
