package layout

import (
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// A version has one image of each variant and architecture. It is named after the
// variant, and for other machines than those of amd64 by "variant-architecture": readers that know
// of no architectures find what they can run.

// VariantName returns what an image is called in its version: "production", or
// "production-arm64". The architecture "" is amd64.
func VariantName(variant, architecture string) string {
	if architecture == "" || architecture == arch.AMD64.Name {
		return variant
	}
	return variant + "-" + architecture
}

// CheckImage returns an error that says why an image's own manifest can't have it published:
// its variant or its architecture has no valid name.
func CheckImage(variant, architecture string) error {
	if err := CheckVariant(variant); err != nil {
		return err
	}
	if architecture != "" {
		if _, err := arch.Find(architecture); err != nil {
			return fmt.Errorf("architecture %w", err)
		}
	}
	if kind, _ := SplitVariant(variant); kind != variant {
		return fmt.Errorf("%q is not a valid variant: it ends in the name of an architecture", variant)
	}
	return CheckVariant(VariantName(variant, architecture))
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
