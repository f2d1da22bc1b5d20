package use

import (
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// TestDataWords: what a release, example data and unknown data are called.
func TestDataWords(t *testing.T) {
	const example = "example data, not a GO release: do not cite"
	for _, c := range []struct{ date, doi, of, in, listed string }{
		{"2026-10-07", "10.5281/zenodo.12", "GO release 2026-10-07, doi 10.5281/zenodo.12", ", GO data 2026-10-07", "2026-10-07"},
		{"2024-01-01", "10.5072/amigo-sample.0", example, ", " + example, "example"},
		{"", "10.5072/amigo-sample.0", example, ", " + example, "example"},
	} {
		if got := dataOf(c.date, c.doi); got != c.of {
			t.Errorf("%q", got)
		}
		if got := dataIn(manifest.GOlr{Date: c.date, DOI: c.doi}); got != c.in {
			t.Errorf("%q", got)
		}
		if got := (listed{Date: c.date, Example: manifest.IsExample(c.doi)}).data(); got != c.listed {
			t.Errorf("%q", got)
		}
	}
}
