package changes

import (
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Side is one of the two that are compared.
type Side struct {
	Name     string // a version, or a directory
	Created  time.Time
	AmiGO    manifest.AmiGO
	GOlr     manifest.GOlr
	System   manifest.System
	Variants []Variant
}

// Variant is an image of a side.
type Variant struct {
	Name     string // "distribution" or "production"
	Size     int64  // of the qcow2 file, bytes
	Packages []manifest.Package
	// Changelogs are those of the packages. Packages without one may have
	// fixes that nobody knows of.
	Changelogs []manifest.Changelog
	// Commits are the last ones of AmiGO, the newest first, if they are known.
	Commits []manifest.Commit
	// Updates are how many bytes travel to who has the variant of an older
	// version, by its name, as far as that was measured.
	Updates map[string]int64
	// Index opens what tells what the disk is made of; nil: it is not known.
	Index func() (*chunk.Index, error)
}

// Read returns the content of a file of a version.
type Read func(name string) ([]byte, error)

// Open opens the chunk index of an image of a version.
type Open func(layout.Image) (*chunk.Index, error)

// OfVersion returns the side that a published version is. It reads the
// package lists, and of the changelogs' fixes what there is. open may be nil.
func OfVersion(v layout.VersionManifest, read Read, open Open) (Side, error) {
	side := Side{Name: v.Version, Created: v.Created, AmiGO: v.AmiGO, GOlr: v.GOlr, System: v.System}
	for _, image := range v.Images {
		file := func(role manifest.Role) (manifest.File, bool) {
			f, err := v.File(image, role)
			return f, err == nil
		}
		variant, err := readVariant(image.Variant, file, read)
		if err != nil {
			return Side{}, err
		}
		variant.Updates = image.Updates
		if open != nil {
			variant.Index = func() (*chunk.Index, error) { return open(image) }
		}
		side.Variants = append(side.Variants, variant)
	}
	return side, nil
}

// OfImage returns the side that one image is, which its own manifest describes.
func OfImage(name string, m manifest.Manifest, read Read) (Side, error) {
	file := func(role manifest.Role) (manifest.File, bool) {
		for _, f := range m.Files {
			if f.Role == role {
				return f, true
			}
		}
		return manifest.File{}, false
	}
	variant, err := readVariant(layout.VariantName(m.Variant, m.System.Architecture), file, read)
	return Side{
		Name: name, Created: m.Created, AmiGO: m.AmiGO, GOlr: m.GOlr, System: m.System,
		Variants: []Variant{variant},
	}, err
}
