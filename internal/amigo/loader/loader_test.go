package loader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

var update = flag.Bool("update", false, "write the golden files")

var small = Input{
	Ontologies:  []string{"../ontology/testdata/small.obo", "testdata/taxa.obo"},
	Annotations: []string{"testdata/small.gpad", "testdata/small.gaf", "testdata/small.gpi"},
	MaxSkipped:  "20%",
}

func none(int64) {}

// documents returns those in a file, each on lines of its own.
func documents(t *testing.T, path string) (all []map[string]any, text string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw.Bytes(), "", " "); err != nil {
		t.Fatal(err)
	}
	return all, pretty.String()
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	files, report, err := Load(t.Context(), small, dir, none)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, text := documents(t, file)
		golden(t, strings.TrimSuffix(filepath.Base(file), ".gz"), text)
	}
	var told strings.Builder
	fmt.Fprintln(&told, report)
	for _, tally := range []lines.Tally{report.Skipped, report.Noted} {
		for _, c := range tally.Counts() {
			fmt.Fprintln(&told, c)
		}
	}
	told.WriteString(report.Log())
	golden(t, "report", told.String())
	if left, err := os.ReadDir(dir); err != nil || len(left) != len(files) {
		t.Errorf("%v, %v", left, err)
	}
}

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || text != string(want) {
		t.Errorf("%s is not as it was, %v (-update writes it):\n%s", name, err, text)
	}
}

// TestOrder gives the same documents for the same lines in another order, and
// twice.
func TestOrder(t *testing.T) {
	in := small
	in.Annotations = []string{"testdata/small.gpi", "testdata/small.gaf", "testdata/small.gpad", "testdata/small.gaf"}
	var texts []string
	for _, in := range []Input{small, in} {
		files, _, err := Load(t.Context(), in, t.TempDir(), none)
		if err != nil {
			t.Fatal(err)
		}
		_, text := documents(t, files[1])
		texts = append(texts, text)
	}
	if texts[0] != texts[1] {
		t.Error("the order of the files changes the documents")
	}
}

// TestSchema leaves out what a schema does not have, and says so.
func TestSchema(t *testing.T) {
	in := small
	in.Schema = filepath.Join(t.TempDir(), "schema.xml")
	schema := func(text string) {
		if err := os.WriteFile(in.Schema, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	schema(`<schema><fields><field name="id"/><field name="document_category"/><field name="bioentity"/><dynamicField name="*_closure"/></fields></schema>`)
	files, report, err := Load(t.Context(), in, t.TempDir(), none)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := documents(t, files[1])
	if d := all[0]; len(d) != 10 || d["bioentity"] != "FB:FBgn0000008" || d["evidence_closure"] == nil || d["date"] != nil {
		t.Errorf("%v", d)
	}
	if text := fmt.Sprint(report.Noted.Counts()[0]); !strings.Contains(text, noField) || !strings.Contains(text, "alternate_id") {
		t.Error(text)
	}
	for text, want := range map[string]string{`<schema><fields><field name="id"/></fields></schema>`: "no field document_category", "<schema": "reading "} {
		schema(text)
		if _, _, err := Load(t.Context(), in, t.TempDir(), none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestMany sorts more than fits into the chunks of memory.
func TestMany(t *testing.T) {
	const number = 3 * chunk
	var gaf strings.Builder
	gaf.WriteString("!gaf-version: 2.2\n")
	for i := range number {
		fmt.Fprintf(&gaf, "DB\t%07d\tA%d\tinvolved_in\tGO:0006915\tPMID:%d\tIDA\t\tP\t\t\tprotein\ttaxon:9606\t20240101\tDB\t\t\n", i*7919%1000, i*7919%1000, i)
	}
	path := filepath.Join(t.TempDir(), "many.gaf")
	if err := os.WriteFile(path, []byte(gaf.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var last int64
	files, report, err := Load(t.Context(), Input{Ontologies: small.Ontologies, Annotations: []string{path}, MaxSkipped: "0%"}, t.TempDir(), func(done int64) { last = done })
	if err != nil || report.Annotations != number || report.Entities != 1000 || last != 1000 {
		t.Fatalf("%v, %v, %d", report, err, last)
	}
	if all, _ := documents(t, files[1]); len(all) != number+2*1000 {
		t.Errorf("%d documents", len(all))
	}
}

func TestSkipped(t *testing.T) {
	in := small
	in.MaxSkipped = "1%"
	dir := t.TempDir()
	_, _, err := Load(t.Context(), in, dir, none)
	var skipped *SkippedError
	if !errors.As(err, &skipped) || skipped.Skipped != 1 || skipped.Lines != 9 {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 9 lines of annotations cannot be loaded, which is more than 1 %", "small.gaf:8 (GO:0424242)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if what := skipped.Fault(); !strings.Contains(what.Where, "small.gaf:8") || what.Code == 0 {
		t.Errorf("%+v", what)
	}
	in.MaxSkipped = "off"
	if _, _, err := Load(t.Context(), in, t.TempDir(), none); err != nil {
		t.Error(err)
	}
}

func TestParseShare(t *testing.T) {
	for text, want := range map[string]Share{"1%": 0.01, "0%": 0, "100%": 1, "off": 1, "0.5%": 0.005} {
		if got, err := ParseShare(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "-1%", "101%", "NaN%", "much"} {
		if _, err := ParseShare(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestFailures leaves nothing behind but what the caller removes.
func TestFailures(t *testing.T) {
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("stopped by a test"))
	bad := filepath.Join(t.TempDir(), "bad.gaf")
	if err := os.WriteFile(bad, []byte("not a GAF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		stopped bool
		in      Input
		want    string
	}{
		"stopped":            {true, small, "stopped by a test"},
		"no ontology":        {false, Input{Ontologies: []string{"/nonexistent"}, MaxSkipped: "1%"}, "/nonexistent"},
		"no annotations":     {false, Input{Ontologies: small.Ontologies, Annotations: []string{"/nonexistent"}, MaxSkipped: "1%"}, "/nonexistent"},
		"another file":       {false, Input{Ontologies: small.Ontologies, Annotations: []string{small.Annotations[1], bad}, MaxSkipped: "1%"}, "does not say what it is"},
		"no directory":       {false, small, "no such file"},
		"share of what":      {false, Input{Ontologies: small.Ontologies, Annotations: small.Annotations, MaxSkipped: "some"}, "is not a share"},
		"annotations as OBO": {false, Input{Ontologies: small.Annotations, MaxSkipped: "1%"}, "holds no term"},
	} {
		dir := t.TempDir()
		if name == "no directory" {
			dir += "/none"
		}
		ctx := t.Context()
		if test.stopped {
			ctx = stopped
		}
		if _, _, err := Load(ctx, test.in, dir, none); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "sort-*")); len(left) > 0 {
			t.Errorf("%s leaves %v", name, left)
		}
	}
}

func TestGet(t *testing.T) {
	c := cache.At(t.TempDir())
	first, report, cached, err := Get(t.Context(), c, small, none)
	if err != nil || cached || len(first) != 2 || report.Annotations != 6 {
		t.Fatalf("%v, %+v, %v, %v", first, report, cached, err)
	}
	again, told, cached, err := Get(t.Context(), c, small, none)
	if err != nil || !cached || again[1] != first[1] || told.String() != report.String() || told.Log() != report.Log() || told.Noted.Total() != report.Noted.Total() {
		t.Errorf("%v, %+v, %v, %v", again, told, cached, err)
	}
	other := small
	other.MaxSkipped = "1%"
	if _, _, _, err := Get(t.Context(), c, other, none); !errors.As(err, new(*SkippedError)) {
		t.Error(err)
	}
}

// TestFullDisk: a sorter that cannot write ends the load.
func TestFullDisk(t *testing.T) {
	full := filepath.Join(t.TempDir(), "none", "none")
	if err := os.WriteFile(filepath.Dir(full), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := grouped(t.Context(), full, func(take func(key, record) error) error {
		for i := range 5 * chunk {
			if err := take(key{fmt.Sprint("A:", i), ofAnnotation}, record{}); err != nil {
				return err
			}
		}
		return nil
	}, func(string, group) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "sorting annotations: ") {
		t.Error(err)
	}
}

// TestForms: an annotation of a form is one of what it is a form of, and a term that was
// replaced twice is the last.
func TestForms(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	in := Input{
		Ontologies: []string{file("a.obo", "[Term]\nid: A:1\nis_obsolete: true\nreplaced_by: A:2\n[Term]\nid: A:2\nis_obsolete: true\nreplaced_by: A:3\n[Term]\nid: A:3\n"+
			"[Term]\nid: A:4\nis_obsolete: true\nreplaced_by: A:4\n[Term]\nid: X:P2\n")},
		Annotations: []string{
			file("a.gpad", "!gpad-version: 2.0\nX:P1-2\t\tRO:0002331\tA:1\tPMID:1\tECO:0000314\t\t\t2024-01-01\tX\tpart_of(A:3),not-part_of(A:3)\t\n"+
				"X:P1\t\tRO:0002331\tA:4\tPMID:1\tECO:0000314\t\t\t2024-01-01\tX\t\t\n"),
			file("a.gpi", "!gpi-version: 2.1\nX:P1\tone\t\t\tPR:000000001\tNCBITaxon:9606\t\t\t\t\t\nX:P1-2\tone, short\t\t\tPR:000000001\tNCBITaxon:9606\t\tX:P1\t\t\t\n"+
				"X:P2\ttwo\t\t\tPR:000000001\tNCBITaxon:9606\t\t\t\t\t\n"),
		},
		MaxSkipped: "off",
	}
	files, report, err := Load(t.Context(), in, t.TempDir(), none)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := documents(t, files[1])
	if d := all[0]; d["bioentity"] != "X:P1" || d["bioentity_isoform"] != "X:P1-2" || d["annotation_class"] != "A:3" || d["bioentity_label"] != "one" ||
		fmt.Sprint(d["annotation_extension_class"]) != "[A:3]" {
		t.Errorf("%v", d)
	}
	told := fmt.Sprint(report.Skipped.Counts(), report.Noted.Counts())
	if len(all) != 5 || !strings.Contains(told, obsoleteTerm+": a.gpad:3") || !strings.Contains(told, noExtension+": not-part_of(A:3)") || !strings.Contains(told, sameID) {
		t.Errorf("%d documents, %s", len(all), told)
	}
}
