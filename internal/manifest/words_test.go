package manifest

import "testing"

func TestWords(t *testing.T) {
	for _, c := range []struct{ date, doi, want string }{
		{"", "", ""},
		{"2026-10-07", "", "2026-10-07, no DOI"},
		{"2026-10-07", "10.5281/zenodo.12", "2026-10-07, doi 10.5281/zenodo.12"},
		{"", "10.5281/zenodo.12", "doi 10.5281/zenodo.12"},
		{"2024-01-01", "10.5072/amigo-sample.0", "example data, not a GO release: do not cite"},
	} {
		if got := Words(c.date, c.doi); got != c.want {
			t.Errorf("%s %s: %q", c.date, c.doi, got)
		}
	}
}
