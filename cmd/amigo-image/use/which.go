package use

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// which says which image of a version is meant.
type which struct {
	variant string
	arch    string // "": that of the variant's name, else this computer's own, if the version has it
}

func (w *which) add(flags *pflag.FlagSet) {
	flags.StringVar(&w.variant, "variant", defaultVariant, "distribution (for people) or production (for a service)")
	cli.OneOfVar(flags, &w.arch, "arch", arch.Names(), "processor of the image, `amd64` or arm64 (default: this computer's, if there is an image for it)")
}

// names are those that the image may have in its version, the best first.
func (w which) names() []string {
	variant, a := layout.SplitVariant(w.variant)
	own := layout.VariantName(variant, arch.Own().Name)
	switch {
	case w.arch != "":
		return []string{layout.VariantName(variant, w.arch)}
	case variant != w.variant:
		return []string{layout.VariantName(variant, a.Name)}
	case own == variant:
		return []string{own}
	default:
		return []string{own, variant}
	}
}

// whichIs says which one an image is.
func whichIs(name string) which {
	variant, a := layout.SplitVariant(name)
	return which{variant, a.Name}
}

// flags are those that lead to the image again.
func (w which) flags() string {
	text := ""
	if w.variant != defaultVariant {
		text += " --variant " + w.variant
	}
	if w.arch != arch.Own().Name {
		text += " --arch " + w.arch
	}
	return text
}

// here finds in the store the best of the images that their version has.
func here(store imagestore.Store, version string, names []string) (imagestore.Image, error) {
	for i, name := range names {
		image, err := store.Image(version, name)
		better := func(other layout.Image) bool { return slices.Contains(names[:i], other.Variant) }
		if err == nil && !slices.ContainsFunc(image.Manifest.Images, better) {
			return image, nil
		}
	}
	return store.Image(version, names[0])
}

// usual is what the image of a version is called that people get who do not say which.
func usual(v layout.VersionManifest) string {
	image, err := v.Image(which{variant: defaultVariant}.names()...)
	if err != nil {
		return defaultVariant
	}
	return image.Variant
}
