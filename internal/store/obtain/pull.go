package obtain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Download is how an image would come here. It must be closed.
type Download struct {
	Choice  Choice
	Variant string
	Version layout.VersionManifest
	Image   layout.Image
	Steps   pull.Delta
	Total   int64  // bytes of the whole download, if nothing were here
	Seed    string // the local image that gives most, or ""
	Same    string // the local image that has the same disk, or ""

	manifest []byte // as it is signed
	frames   string // path in the repository
	twin     imagestore.Image
}

// Close frees what the plan holds.
func (p Download) Close() error {
	if p.Steps.Index == nil {
		return nil
	}
	return p.Steps.Index.Close()
}

// Plan finds out what has to be fetched for the first of some variants that a version has.
func (r *Repository) Plan(ctx context.Context, c Choice, variants ...string) (Download, error) {
	p := Download{Choice: c}
	var err error
	if p.Version, p.manifest, err = r.Manifest(ctx, c); err != nil {
		return p, err
	}
	if p.Image, err = p.Version.Image(variants...); err != nil {
		return p, &VariantError{Version: c.Version, Variant: variants[0], Known: known(p.Version)}
	}
	p.Variant = p.Image.Variant
	frames, err := p.Version.File(p.Image, layout.Chunks)
	if err != nil {
		return p, err
	}
	p.frames, p.Total = p.Version.Path(frames.Name), frames.Size
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
	p.Seed, p.twin = largest(p.Steps.Seeds, images), twin(p.Image, images)
	if p.twin.Dir != "" {
		p.Same = p.twin.Name()
	}
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
	if variant, a := layout.SplitVariant(e.Variant); variant != e.Variant {
		return fmt.Sprintf("version %s has no image %q for %s", e.Version, variant, a.Name)
	}
	return fmt.Sprintf("version %s has no variant %q", e.Version, e.Variant)
}

// Fault implements [fault.Reporter].
func (e *VariantError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.NotFound, Try: fault.Try{Action: fault.OtherVariant, On: []string{e.Variant}, Known: e.Known}}
}

func known(v layout.VersionManifest) []string {
	var names []string
	for _, image := range v.Images {
		names = append(names, image.Variant)
	}
	return names
}

// LostError says that a repository lacks a file that it should have.
type LostError struct {
	URL string
	Err error
}

func (e *LostError) Error() string { return e.URL + ": the repository should have it, and does not" }

func (e *LostError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *LostError) Fault() fault.Report {
	return fault.Report{
		What: "the repository lacks a file that it should have", Where: e.URL, Code: fault.Network,
		Try: fault.Retry(fault.Later, fault.OtherServer),
	}
}

// Begun tells whether an earlier pull of the same image has left something.
func (r *Repository) Begun(p Download) bool {
	entries, err := os.ReadDir(r.store.Unfinished(p.Choice.Version, p.Variant, ""))
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), imagestore.DiskFile+".") && strings.HasSuffix(e.Name(), pull.PartialSuffix)
	})
}

// Pull carries a plan out: the image is in the store then.
func (r *Repository) Pull(ctx context.Context, p Download, sink event.Sink) (imagestore.Image, pull.Stats, error) {
	var result pull.Stats
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
	if p.twin.Dir != "" {
		// It is verified below, as anything that is there. One that is damaged, or that is
		// not what its own repository has said, is made again beside it.
		_ = in.Link(p.twin)
	}
	if err := saveIndex(p.Steps.Index, in.Path(imagestore.IndexFile)); err != nil {
		return imagestore.Image{}, result, fmt.Errorf("keeping the chunk index: %w", err)
	}
	result, err = pull.Assemble(ctx, p.Steps, r.from, p.frames, in.Path(imagestore.DiskFile), sink)
	if errors.Is(err, fs.ErrNotExist) {
		err = &LostError{URL: r.from.URL(p.frames), Err: err}
	}
	if err != nil {
		return imagestore.Image{}, result, err
	}
	image, err := in.Commit(ctx, p.manifest, r.source())
	return image, result, err
}

func (r *Repository) source() imagestore.Source {
	return imagestore.Source{Repository: address.Shown(r.Location), Added: time.Now().UTC().Truncate(time.Second)}
}

// twin returns an image that is here and has the same disk, as those of data have until
// there is a new release. Without one it has no directory.
func twin(image layout.Image, images []imagestore.Image) imagestore.Image {
	for _, other := range images {
		facts, err := other.Manifest.Image(other.Variant)
		if err == nil && facts.Disk == image.Disk {
			return other
		}
	}
	return imagestore.Image{}
}

// Origin returns where the repository's files are read from.
func (r *Repository) Origin() origin.Origin { return r.from }
