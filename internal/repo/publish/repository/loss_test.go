package repository

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

func TestLost(t *testing.T) {
	before := manifest.GOlr{Documents: 1000, DOI: "10.5281/zenodo.1", Kinds: map[string]int64{"annotation": 900, "ontology_class": 100}}
	for name, c := range map[string]struct {
		now  manifest.GOlr
		want []string
	}{
		"the same": {before, nil},
		"more":     {manifest.GOlr{Documents: 2000, Kinds: map[string]int64{"annotation": 1800, "ontology_class": 200}}, nil},
		"a little": {manifest.GOlr{Documents: 950, Kinds: map[string]int64{"annotation": 855, "ontology_class": 95}}, nil},
		"too much": {manifest.GOlr{Documents: 900, Kinds: map[string]int64{"annotation": 810, "ontology_class": 95}}, []string{
			"900 documents, and there were 1000 (-10%)", "810 documents of the kind annotation, and there were 900 (-10%)",
		}},
		"a kind": {manifest.GOlr{Documents: 1000, Kinds: map[string]int64{"annotation": 1000}}, []string{
			"0 documents of the kind ontology_class, and there were 100 (-100%)",
		}},
		"examples": {manifest.GOlr{Documents: 5000, DOI: "10.5072/x"}, []string{"they were a release, and are example data"}},
	} {
		if diff := cmp.Diff(c.want, Loss(0.05).lost(before, c.now)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// withData makes the image in a directory one with so many documents.
func withData(t *testing.T, dir string, documents int64) string {
	t.Helper()
	path := filepath.Join(dir, manifest.FileName)
	facts, err := manifest.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	facts.GOlr.Documents = documents
	text, err := json.Marshal(facts)
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPublishLoss: data that have lost too much do not move the channel.
func TestPublishLoss(t *testing.T) {
	b := newBench(t)
	publish := func(seed string, documents int64, loss Loss) error {
		b.now = b.now.AddDate(0, 0, 1)
		_, err := b.Publish(t.Context(), Release{Directories: []string{withData(t, small(t, seed), documents)}, Channel: "nightly", MaxLoss: loss})
		return err
	}
	if err := publish("a", 1000, 0.05); err != nil {
		t.Fatal(err)
	}
	before, err := b.Current(t.Context(), "nightly")
	if err != nil {
		t.Fatal(err)
	}
	lost := (*LossError)(nil)
	if err := publish("b", 900, 0.05); !errors.As(err, &lost) || lost.Version != before {
		t.Errorf("%v", err)
	}
	if now, err := b.Current(t.Context(), "nightly"); err != nil || now != before {
		t.Errorf("the channel is at %s, %v", now, err)
	}
	if err := publish("c", 960, 0.05); err != nil {
		t.Error(err)
	}
	if err := publish("d", 1, 0); err != nil {
		t.Error(err)
	}
}

func TestParseLoss(t *testing.T) {
	for text, want := range map[string]Loss{"off": 0, "5%": 0.05, "0.5%": 0.005, "100%": 1} {
		if got, err := ParseLoss(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "0%", "-1%", "101%", "x%", "NaN%", "Inf%"} {
		if got, err := ParseLoss(text); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

func FuzzParseLoss(f *testing.F) {
	f.Add("5%")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ParseLoss(text); err == nil && !(got > 0 && got <= 1) && text != "off" {
			t.Errorf("%q gave %v", text, got)
		}
	})
}
