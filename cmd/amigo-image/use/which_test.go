package use

import (
	"slices"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// TestWhich: the image for this computer's processor comes first, and what is asked for is
// the only one.
func TestWhich(t *testing.T) {
	own, other := arch.Own().Name, arch.Foreign()[0].Name
	name := layout.VariantName
	usual := slices.Compact([]string{name("distribution", own), "distribution"})
	for _, test := range []struct {
		which
		want []string
	}{
		{which{"distribution", ""}, usual},
		{which{"distribution", own}, []string{name("distribution", own)}},
		{which{"production", other}, []string{name("production", other)}},
		{which{"production-arm64", ""}, []string{"production-arm64"}},
		{which{"production-arm64", "arm64"}, []string{"production-arm64"}},
		{which{"production-arm64", "amd64"}, []string{"production"}},
		{which{"mine", "amd64"}, []string{"mine"}},
	} {
		if got := test.names(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %q, want %q", test.which, got, test.want)
		}
	}
	for _, name := range []string{"distribution", "production-arm64"} {
		if got := whichIs(name).names(); !slices.Equal(got, []string{name}) {
			t.Errorf("%s leads to %q", name, got)
		}
	}
}
