package obtain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/pull"
)

// Plan is how an image would come here.
type Plan struct {
	Choice  Choice
	Variant string
	Version layout.VersionManifest
	Image   layout.Image
	Steps   pull.Plan
	Total   int64  // bytes of the whole download, if nothing were here
	Seed    string // the local image that gives most, or ""

	manifest []byte // as it is signed
	index    []byte
	frames   string // path in the repository
}

// Plan finds out what has to be fetched for a variant of a version.
func (r *Repository) Plan(ctx context.Context, c Choice, variant string) (Plan, error) {
	p := Plan{Choice: c, Variant: variant}
	var err error
	if p.Version, p.manifest, err = r.Manifest(ctx, c); err != nil {
		return p, err
	}
	if p.Image, err = p.Version.Image(variant); err != nil {
		return p, &VariantError{Version: c.Version, Variant: variant, Known: variants(p.Version)}
	}
	index, err := r.index(ctx, &p)
	if err != nil {
		return p, err
	}
	images, err := r.store.Images()
	if err != nil {
		return p, err
	}
	p.Steps = pull.MakeFrom(index, seeds(images))
	p.Seed = largest(p.Steps.Seeds, images)
	return p, nil
}

// largest returns the name of the image that gives most, or "".
func largest(seeds []pull.Use, images []imagestore.Image) string {
	var most pull.Use
	for _, use := range seeds {
		if use.Bytes > most.Bytes {
			most = use
		}
	}
	for _, image := range images {
		if image.Disk() == most.Disk {
			return image.Name()
		}
	}
	return ""
}

// VariantError says that a version has no such variant.
type VariantError struct {
	Version, Variant string
	Known            []string
}

func (e *VariantError) Error() string {
	return fmt.Sprintf("version %s has no variant %q", e.Version, e.Variant)
}

func variants(v layout.VersionManifest) []string {
	var names []string
	for _, image := range v.Images {
		names = append(names, image.Variant)
	}
	return names
}

// index fetches the chunk index of a plan's image: what the manifest says of
// it must be signed, too.
func (r *Repository) index(ctx context.Context, p *Plan) (chunk.Index, error) {
	var none chunk.Index
	file, err := p.Version.File(p.Image, layout.Index)
	if err != nil {
		return none, err
	}
	frames, err := p.Version.File(p.Image, layout.Chunks)
	if err != nil {
		return none, err
	}
	p.frames, p.Total = layout.Version(p.Choice.Version, frames.Name), frames.Size
	path, want := layout.Version(p.Choice.Version, file.Name), layout.Reference{Size: file.Size, SHA256: file.SHA256}
	signed, err := r.View.File(ctx, p.Choice.Channel, path)
	if err != nil {
		return none, err
	}
	if signed != want {
		return none, &MismatchError{URL: r.from.URL(path), Got: want, Want: signed}
	}
	if p.index, err = r.fetch(ctx, path, want); err != nil {
		return none, err
	}
	index, err := chunk.Decode(p.index)
	if err != nil {
		return none, err
	}
	return index, agrees(index, p.Image, frames)
}

// agrees checks that an index is about the disk and the frames that it should
// be about.
func agrees(index chunk.Index, image layout.Image, frames manifest.File) error {
	if index.Disk.Size != image.Disk.Size || index.Disk.SHA256.String() != image.Disk.SHA256 ||
		index.Frames.Name != frames.Name || index.Frames.Size != frames.Size {
		return fmt.Errorf("the chunk index of %s is that of another disk", image.Variant)
	}
	return nil
}

// seeds reads the indices of images that are here, in their order.
func seeds(images []imagestore.Image) iter.Seq[pull.Seed] {
	return func(yield func(pull.Seed) bool) {
		for _, image := range images {
			content, err := os.ReadFile(image.Index())
			if err != nil {
				continue
			}
			index, err := chunk.Decode(content)
			if err == nil && !yield(pull.Seed{Disk: image.Disk(), Index: index}) {
				return
			}
		}
	}
}

// LostError says that a repository lacks a file that it should have.
type LostError struct {
	URL string
	Err error
}

func (e *LostError) Error() string { return e.URL + ": the repository should have it, and does not" }

func (e *LostError) Unwrap() error { return e.Err }

// Pull carries a plan out: the image is in the store then.
func (r *Repository) Pull(ctx context.Context, p Plan, sink event.Sink) (imagestore.Image, pull.Result, error) {
	var result pull.Result
	in, err := r.store.Incoming(ctx, p.Choice.Version, p.Variant, func() {
		sink.Emit(event.Event{Type: event.Message, Phase: pull.PhaseFetch, Text: "another process is pulling the same image; waiting for it"})
	})
	if err != nil {
		return imagestore.Image{}, result, err
	}
	defer func() { _ = in.Close() }()
	if image, err := r.store.Image(p.Choice.Version, p.Variant); err == nil {
		result.Present = true
		return image, result, nil
	}
	if err := os.WriteFile(in.Path(imagestore.IndexFile), p.index, 0o644); err != nil {
		return imagestore.Image{}, result, fmt.Errorf("keeping the chunk index: %w", err)
	}
	result, err = pull.Assemble(ctx, p.Steps, r.from, p.frames, in.Path(imagestore.DiskFile), sink)
	if errors.Is(err, fs.ErrNotExist) {
		err = &LostError{URL: r.from.URL(p.frames), Err: err}
	}
	if err != nil {
		return imagestore.Image{}, result, err
	}
	source := imagestore.Source{Repository: r.Location, Added: time.Now().UTC().Truncate(time.Second)}
	image, err := in.Commit(ctx, p.manifest, source)
	return image, result, err
}

// Origin returns where the repository's files are read from.
func (r *Repository) Origin() origin.Origin { return r.from }
