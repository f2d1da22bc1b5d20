package layout

import (
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// A version has one image of each variant and architecture. It is called by the variant,
// and for other machines than those of amd64 by "variant-architecture": readers that know
// of no architectures find what they can run.

// VariantName returns what an image is called in its version: "production", or
// "production-arm64". The architecture "" is amd64.
func VariantName(variant, architecture string) string {
	if architecture == "" || architecture == arch.AMD64.Name {
		return variant
	}
	return variant + "-" + architecture
}

// SplitVariant returns the two parts of the name of an image in its version.
func SplitVariant(name string) (variant string, a arch.Arch) {
	for _, known := range arch.Names() {
		if variant, ok := strings.CutSuffix(name, "-"+known); ok && variant != "" {
			a, _ = arch.Find(known)
			return variant, a
		}
	}
	return name, arch.AMD64
}
