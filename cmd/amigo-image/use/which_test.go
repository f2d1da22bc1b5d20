package use

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
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

// TestHere: an image that is here does for a better one only if the version lacks that.
func TestHere(t *testing.T) {
	names := []string{"distribution-arm64", "distribution"}
	for version, variants := range map[string][]string{"1": {"distribution"}, "2": {"distribution", "distribution-arm64"}} {
		store := imagestore.At(t.TempDir())
		v := layout.VersionManifest{Product: "amigo", Version: version}
		for _, variant := range variants {
			v.Images = append(v.Images, layout.Image{Variant: variant, Disk: layout.Disk{Size: 5, SHA256: strings.Repeat("ab", 32)}})
		}
		content, err := v.Encode()
		if err != nil {
			t.Fatal(err)
		}
		in, err := store.Incoming(t.Context(), version, "distribution", func() {})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{imagestore.DiskFile, imagestore.IndexFile} {
			if err := os.WriteFile(in.Path(name), []byte("a disk"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := in.Commit(t.Context(), content, imagestore.Source{}); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		if image, err := here(store, version, names); (err == nil) != (len(variants) == 1) {
			t.Errorf("of %q here is %q, %v", variants, image.Variant, err)
		}
	}
}
