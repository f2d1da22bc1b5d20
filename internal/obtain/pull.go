package obtain

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// Plan is how an image would come here. It must be closed.
type Plan struct {
	Choice  Choice
	Variant string
	Version layout.VersionManifest
	Image   layout.Image
	Steps   pull.Plan
	Total   int64  // bytes of the whole download, if nothing were here
	Seed    string // the local image that gives most, or ""

	manifest []byte // as it is signed
	frames   string // path in the repository
}

// Close frees what the plan holds.
func (p Plan) Close() error {
	if p.Steps.Index == nil {
		return nil
	}
	return p.Steps.Index.Close()
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
	frames, err := p.Version.File(p.Image, layout.Chunks)
	if err != nil {
		return p, err
	}
	p.frames, p.Total = layout.Version(c.Version, frames.Name), frames.Size
	index, err := r.index(ctx, c, p.Version, p.Image)
	if err != nil {
		return p, err
	}
	p.Steps.Index = index
	images, err := r.store.Images()
	if err != nil {
		return p, errors.Join(err, p.Close())
	}
	if p.Steps, err = pull.MakeFrom(index, seeds(images)); err != nil {
		return p, errors.Join(err, p.Close())
	}
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

// Update returns how many bytes travel to who has a variant of an old version.
func (r *Repository) Update(ctx context.Context, old, now Choice, variant string) (int64, error) {
	from, err := r.indexOf(ctx, old, variant)
	if err != nil {
		return 0, err
	}
	defer func() { _ = from.Close() }()
	to, err := r.indexOf(ctx, now, variant)
	if err != nil {
		return 0, err
	}
	defer func() { _ = to.Close() }()
	plan, err := pull.Make(to, pull.Seed{Index: from})
	return plan.Fetch, err
}

func (r *Repository) indexOf(ctx context.Context, c Choice, variant string) (*chunk.Index, error) {
	v, _, err := r.Manifest(ctx, c)
	if err != nil {
		return nil, err
	}
	image, err := v.Image(variant)
	if err != nil {
		return nil, err
	}
	return r.index(ctx, c, v, image)
}

// index reads the chunk index of an image: what the manifest says of it must be
// signed, too.
func (r *Repository) index(ctx context.Context, c Choice, v layout.VersionManifest, image layout.Image) (*chunk.Index, error) {
	file, err := v.File(image, layout.Index)
	if err != nil {
		return nil, err
	}
	frames, err := v.File(image, layout.Chunks)
	if err != nil {
		return nil, err
	}
	path, want := layout.Version(c.Version, file.Name), layout.Reference{Size: file.Size, SHA256: file.SHA256}
	signed, err := r.View.File(ctx, c.Channel, path)
	if err != nil {
		return nil, err
	}
	if signed != want {
		return nil, &MismatchError{URL: r.from.URL(path), Got: want, Want: signed}
	}
	index := unfinished(r.store.Unfinished(c.Version, image.Variant, imagestore.IndexFile), want)
	if index == nil {
		index, err = r.readIndex(ctx, path, want)
	}
	if err == nil {
		err = agrees(index, image, frames)
	}
	if err != nil && index != nil {
		return nil, errors.Join(err, index.Close())
	}
	return index, err
}

// unfinished returns the index that an earlier pull has left at path, or nil.
func unfinished(path string, want layout.Reference) *chunk.Index {
	index, err := chunk.Open(path)
	if err != nil {
		return nil
	}
	if index.Self.Size == want.Size && index.Self.SHA256.String() == want.SHA256 {
		return index
	}
	_ = index.Close()
	return nil
}

// readIndex fetches a chunk index. It may be large, so it goes to the disk, to a
// file that is gone when it is closed.
func (r *Repository) readIndex(ctx context.Context, path string, want layout.Reference) (*chunk.Index, error) {
	f, err := r.store.Temporary()
	if err != nil {
		return nil, err
	}
	err = r.download(ctx, path, want, f)
	if err == nil {
		var index *chunk.Index
		if index, err = chunk.ReadFile(f); err == nil {
			return index, nil
		}
	}
	return nil, errors.Join(err, f.Close())
}

// agrees checks that an index is about the disk and the frames that it should
// be about.
func agrees(index *chunk.Index, image layout.Image, frames manifest.File) error {
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
			index, err := chunk.Open(image.Index())
			if err != nil {
				continue
			}
			more := yield(pull.Seed{Disk: image.Disk(), Index: index})
			if _ = index.Close(); !more {
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
	if err := keep(p.Steps.Index, in.Path(imagestore.IndexFile)); err != nil {
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

// keep writes an index to path. Another process may be reading what is there,
// and this one, too.
func keep(index *chunk.Index, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, index.Reader())
	return errors.Join(err, f.Sync(), f.Close())
}

// Origin returns where the repository's files are read from.
func (r *Repository) Origin() origin.Origin { return r.from }
