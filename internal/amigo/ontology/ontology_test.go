package ontology

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

func small(t *testing.T, name string) (*Ontology, *lines.Tally) {
	t.Helper()
	tally := &lines.Tally{}
	o, err := Read(t.Context(), []string{filepath.Join("testdata", name)}, tally.Add)
	if err != nil {
		t.Fatal(err)
	}
	return o, tally
}

func TestTerm(t *testing.T) {
	for _, name := range []string{"small.obo", "small.json"} {
		o, tally := small(t, name)
		got := *o.Find("GO:0006915")
		got.Place = lines.Place{}
		want := Term{
			ID: "GO:0006915", Name: "apoptotic process", Namespace: "biological_process",
			Definition: `A programmed cell death process that ends with the death of the cell, "from within".`,
			DefXrefs:   []string{"GOC:cjm", "PMID:18846107", "Wikipedia:Apoptosis"}, Xrefs: []string{"Wikipedia:Apoptosis"},
			Synonyms: []string{"apoptosis", "type I programmed cell death"}, Subsets: []string{"goslim_generic"},
			AltIDs: []string{"GO:0006917", "GO:0008632"}, Comment: "A note: with an escape.", Links: []Link{{IsA, "GO:0012501"}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\n%+v", name, got, want)
		}
		old := o.Find("GO:0000005")
		if !old.Obsolete || !slices.Equal(old.ReplacedBy, []string{"GO:0008150"}) || !slices.Equal(old.Consider, []string{"GO:0042981"}) {
			t.Errorf("%s: %+v", name, old)
		}
		if moved := o.Find("GO:0008632"); moved == nil || moved.ID != "GO:0006915" || o.Find("GO:0424242") != nil {
			t.Errorf("%s: %+v", name, moved)
		}
		if source := o.Sources[0]; source.Date != "2026-10-07" || source.Kind != "ontology" || source.File != name {
			t.Errorf("%+v", source)
		}
		if counts := tally.Counts(); len(counts) != 1 || !strings.Contains(counts[0].String(), "(GO:0424242)") {
			t.Errorf("%s: %v", name, counts)
		}
	}
}

// TestClosure looks at what follows, and at what does not.
func TestClosure(t *testing.T) {
	for _, name := range []string{"small.obo", "small.json"} {
		o, _ := small(t, name)
		for id, want := range map[string]string{
			"GO:0008150": "GO:0008150 is_a",
			"GO:0006915": "GO:0006915 is_a, GO:0008150 is_a, GO:0012501 is_a",
			// Whose kind is positively regulated is regulated, and so is what that is a part of.
			"GO:0043065": "GO:0006915 regulates positively_regulates, GO:0008150 is_a regulates positively_regulates, " +
				"GO:0012501 regulates positively_regulates, GO:0042981 is_a, GO:0043065 is_a",
			// What it is a part of regulates, and not it.
			"GO:0099999": "GO:0008150 part_of, GO:0042981 part_of, GO:0043065 part_of, GO:0099999 is_a",
			"GO:0030262": "GO:0005575 occurs_in, GO:0005634 occurs_in, GO:0006915 part_of, GO:0008150 part_of, GO:0012501 part_of, GO:0030262 is_a",
		} {
			var got []string
			for _, a := range o.Closure(o.Find(id)) {
				got = append(got, a.Term.ID+" "+strings.Join(a.Relations.names(), " "))
			}
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("%s: %s:\n%s\n%s", name, id, text, want)
			}
		}
	}
}

func TestGraphs(t *testing.T) {
	o, _ := small(t, "small.obo")
	positive := o.Find("GO:0043065")
	for name, test := range map[string]struct {
		got  Graph
		want string
	}{
		"topology": {o.Topology(positive), "GO:0006915 is_a GO:0012501, GO:0012501 is_a GO:0008150, GO:0042981 regulates GO:0006915, " +
			"GO:0042981 is_a GO:0008150, GO:0043065 positively_regulates GO:0006915, GO:0043065 is_a GO:0042981, GO:0099999 part_of GO:0043065"},
		"lineage": {o.Lineage(positive, o.Closure(positive), IsAPartOf), "GO:0043065 is_a GO:0008150, GO:0043065 is_a GO:0042981"},
		"neighbors": {o.Neighbors(positive, 0), "GO:0043065 positively_regulates GO:0006915, GO:0043065 is_a GO:0042981, " +
			"GO:0099999 part_of GO:0043065"},
		"some neighbors": {o.Neighbors(positive, 2), "GO:0043065 positively_regulates GO:0006915, GO:0043065 is_a GO:0042981"},
		"none":           {o.Topology(o.Find("GO:0000005")), ""},
	} {
		var got []string
		nodes := map[string]bool{}
		for _, e := range test.got.Edges {
			got = append(got, fmt.Sprintf("%s %s %s", e.Subject, e.Predicate, e.Object))
			nodes[e.Subject], nodes[e.Object] = true, true
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s:\n%s\n%s", name, text, test.want)
		}
		if len(test.got.Nodes) != max(len(nodes), 1) {
			t.Errorf("%s: %v", name, test.got.Nodes)
		}
	}
	text, err := json.Marshal(o.Topology(o.Find("GO:0008150")))
	if err != nil || !strings.HasPrefix(string(text), `{"nodes":[{"id":"GO:0008150","lbl":"biological_process"},`) {
		t.Errorf("%s, %v", text, err)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.obo")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadOntologies(t *testing.T) {
	loop := "[Term]\nid: A:1\nis_a: A:2\n\n[Term]\nid: A:2\nrelationship: part_of A:3\n\n[Term]\nid: A:3\nis_a: A:1\n"
	for name, test := range map[string]struct{ text, want string }{
		"a loop":              {loop, "A:1 (a.obo:1), A:2 (a.obo:5), A:3 (a.obo:9)"},
		"itself":              {"[Term]\nid: A:1\nis_a: A:1\n", "A:1 (a.obo:1)"},
		"nothing":             {"", "is neither in the OBO format"},
		"another text":        {"Dear sir,\n\nhere is my ontology.\n", "line 1: is neither in the OBO format"},
		"OWL":                 {"<?xml version=\"1.0\"?>\n<rdf:RDF>\n", "is neither in the OBO format"},
		"no term":             {"format-version: 1.2\n", "holds no term"},
		"JSON without end":    {`{"graphs": [{"nodes": [`, "is not OBO Graphs in JSON, at byte "},
		"JSON of something":   {`{"graphs": {"nodes": []}}`, "is not OBO Graphs"},
		"JSON without a term": {`{"graphs": []}`, "holds no term"},
		"UTF-16":              {"\xff\xfef\x00", "is UTF-16"},
	} {
		path := write(t, test.text)
		_, err := Read(t.Context(), []string{path}, (&lines.Tally{}).Add)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if looped := (*LoopError)(nil); errors.As(err, &looped) != strings.Contains(test.want, "A:1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(t.Context(), []string{"/nonexistent.obo"}, (&lines.Tally{}).Add); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestTallied looks at what an ontology may have without being refused.
func TestTallied(t *testing.T) {
	path := write(t, "format-version: 1.2\n[Term]\nid: A:1\nname: one\ndef: \"without an end\nis_a: A:2 A:3\nrelationship: part_of\n"+
		"what is this\nsynonym: none\n\n[Term]\nname: nameless\n\n[Term]\nid: A:1\nname: again\n\n[Instance]\nid: x\n\n[Term]\nid: A:2\nis_a: A:9\nname: M\xfcnchen\n")
	var tally lines.Tally
	o, err := Read(t.Context(), []string{path}, tally.Add)
	if err != nil || o.Find("A:1").Name != "one" || len(o.Terms()) != 2 || o.Find("A:2").Label() != "A:2" {
		t.Fatalf("%+v, %v", o, err)
	}
	var got []string
	for _, c := range tally.Counts() {
		got = append(got, c.String())
	}
	want := []string{
		"1 x a def that cannot be read: a.obo:5 (\"without an end)", "1 x a is_a that cannot be read: a.obo:6 (A:2 A:3)",
		"1 x a line that has no tag: a.obo:8 (what is this)", "1 x a link to a term that is not there: a.obo:21 (A:9)",
		"1 x a relationship that cannot be read: a.obo:7 (part_of)", "1 x a synonym that cannot be read: a.obo:9 (none)",
		"1 x a term that the file has twice: a.obo:14 (A:1)", "1 x a term without an ID: a.obo:11", "1 x the line is not UTF-8: a.obo:24",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestSeveral puts two ontologies together.
func TestSeveral(t *testing.T) {
	more := write(t, "[Term]\nid: NCBITaxon:9606\nname: Homo sapiens\n\n[Term]\nid: GO:0006915\nname: another\nis_a: GO:0008150\n")
	var tally lines.Tally
	o, err := Read(t.Context(), []string{filepath.Join("testdata", "small.obo"), more}, tally.Add)
	both := o.Find("GO:0006915")
	if err != nil || o.Find("NCBITaxon:9606").Name != "Homo sapiens" || both.Name != "apoptotic process" || len(both.Links) != 2 || len(o.Sources) != 2 {
		t.Errorf("%+v, %v", o.Sources, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"small.obo", "small.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("[Term]\nid: A:1\nis_a: A:1\n")
	f.Add("[Typedef]\nid: part_of\nis_a: part_of\nholds_over_chain: part_of part_of\n[Term]\nid: A:1\nrelationship: part_of A:2\n[Term]\nid: A:2\nrelationship: part_of A:3\n[Term]\nid: A:3\n")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Parse(t.Context(), "f", text, (&lines.Tally{}).Add)
		if err != nil {
			return
		}
		for _, term := range o.Terms() {
			if closure := o.Closure(term); !slices.ContainsFunc(closure, func(a Ancestor) bool { return a.Term == term }) {
				t.Errorf("%s is not in its closure", term.ID)
			}
			o.Topology(term)
			o.Neighbors(term, 3)
		}
	})
}

// TestKinds: a link by a kind of a relation counts as one by the relation.
func TestKinds(t *testing.T) {
	path := write(t, "[Term]\nid: A:1\nrelationship: proper_part_of A:2\n[Term]\nid: A:2\nrelationship: part_of A:3\n[Term]\nid: A:3\n[Typedef]\nid: proper_part_of\nis_a: part_of\n")
	o, err := Read(t.Context(), []string{path}, (&lines.Tally{}).Add)
	if err != nil || len(o.Closure(o.Find("A:1"))) != 3 || len(o.Topology(o.Find("A:1")).Edges) != 2 {
		t.Errorf("%v, %v", o.Closure(o.Find("A:1")), err)
	}
}

// TestManyRelations: relations that are made to take long do not.
func TestManyRelations(t *testing.T) {
	var text strings.Builder
	text.WriteString("[Term]\nid: A:1\nrelationship: part_of A:2\n[Term]\nid: A:2\nrelationship: r0 A:3\n[Term]\nid: A:3\nrelationship: r1 A:4\n[Term]\nid: A:4\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "[Typedef]\nid: r%d\nis_a: r%d\nholds_over_chain: r%d r%d\n", i, i+1, i, i+1)
	}
	text.WriteString("[Typedef]\nid: part_of\nis_a: r0\n")
	o, err := Read(t.Context(), []string{write(t, text.String())}, (&lines.Tally{}).Add)
	if err != nil || len(o.Closure(o.Find("A:1"))) < 2 {
		t.Error(err)
	}
}

// TestUnusable: an ID that would break an address or a page is left out.
func TestUnusable(t *testing.T) {
	for _, text := range []string{
		"[Term]\nid: A:1\\n2\n[Term]\nid: A:<b>\n[Term]\nid: A:2\nname: a\\nb\\tc\n",
		`{"graphs": [{"nodes": [{"id": "A:1\u0000", "lbl": "a"}, {"id": "A:<b>", "lbl": "b"}, {"id": "A:2", "lbl": "a\nb\tc"}, {"id": "A:3", "meta": {"deprecated": true}}]}]}`,
	} {
		var tally lines.Tally
		o, err := Parse(t.Context(), "f", text, tally.Add)
		if err != nil || len(o.Terms()) != 1 || o.Terms()[0].Name != "a b c" || tally.Total() != 2 {
			t.Errorf("%+v, %v, %v", o.Terms()[0], tally.Counts(), err)
		}
	}
}
