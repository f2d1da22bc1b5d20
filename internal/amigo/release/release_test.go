package release

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRead(t *testing.T) {
	for name, test := range map[string]struct{ log, record, loaded, date, doi, zenodo, fault string }{
		"nothing": {},
		"both": {
			log:    "ontology\tv\t2024-06-17 (01:02)\tgo.owl\ngaf\tv\t2024-06-18 (03:04)\tmgi.gaf\nno line\n",
			record: `{"doi": "10.5281/zenodo.1205166", "x": 1}`,
			loaded: "2024-06-18 (03:04)", date: "2024-06-18", doi: "10.5281/zenodo.1205166", zenodo: "1205166",
		},
		"no day":    {log: "a\tb\tyesterday\td", loaded: "yesterday"},
		"other doi": {record: "see https://doi.org/10.1000/182.", doi: "10.1000/182"},
		"no line":   {log: "a b c d", fault: "TimestampLog: "},
		"no doi":    {record: "{}", fault: "ReleaseDOI: "},
		"quotes":    {log: "a\tb\tit's\td", fault: "apostrophe"},
	} {
		r, err := Read(file(t, test.log), file(t, test.record))
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || r.Loaded != test.loaded || r.Date() != test.date || r.DOI != test.doi || r.Zenodo() != test.zenodo {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := Read("/nowhere", ""); err == nil || !strings.HasPrefix(err.Error(), "TimestampLog: ") {
		t.Error(err)
	}
}
