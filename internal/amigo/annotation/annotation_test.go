package annotation

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// gaf is a line of mouse's annotations.
const gaf = "MGI\tMGI:1913357\tWdnm1l\tNOT|involved_in\tGO:0032496\tMGI:MGI:3801349|PMID:18492766\tIDA\tMGI:1|MGI:2\tP\tWAP domain\tWdnm1-like|ex\tprotein\ttaxon:10090|taxon:562\t20090316\tMGI\toccurs_in(CL:0000136)\tVEGA:OTTMUSP1"

// readAll reads a text as a file.
func readAll(t *testing.T, text string) (records []Record, said lines.Version, number int, faults []string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.gaf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var tally lines.Tally
	said, number, err = Read(t.Context(), path, tally.Add, func(r Record) error {
		records = append(records, r)
		return nil
	})
	for _, c := range tally.Counts() {
		faults = append(faults, c.String())
	}
	return records, said, number, faults, err
}

func TestFormats(t *testing.T) {
	mouse := &Entity{ID: "MGI:MGI:1913357", Symbol: "Wdnm1l", Name: "WAP domain", Synonyms: []string{"Wdnm1-like", "ex"}, Type: "protein", Taxon: "NCBITaxon:10090"}
	form := new(Entity)
	*form = *mouse
	form.Parent = "MGI:MGI:2"
	said := func(change func(*Annotation)) *Annotation {
		a := &Annotation{
			Entity: mouse.ID, Relations: []string{"involved_in"}, Term: "GO:0032496", References: []string{"PMID:18492766"},
			Evidence: Evidence{"IDA", "ECO:0000314"}, Date: "20090316", AssignedBy: "MGI",
		}
		change(a)
		return a
	}
	other := func(a *Annotation) { a.OtherTaxon = "NCBITaxon:562" }
	for name, test := range map[string]struct {
		header, line string
		want         Record
	}{
		"GAF 2.2": {"!gaf-version: 2.2\n!date-generated: 2026-10-07", gaf, Record{Entity: mouse, Annotation: said(func(a *Annotation) {
			a.Negated, a.References, a.With = true, []string{"MGI:MGI:3801349", "PMID:18492766"}, []string{"MGI:1", "MGI:2"}
			a.Aspect = "P"
			a.Extension, a.Isoform, a.OtherTaxon = "occurs_in(CL:0000136)", "VEGA:OTTMUSP1", "NCBITaxon:562"
		})}},
		"GAF 2.0 without the last columns": {
			"!gaf-version: 2.0", "MGI\tMGI:1913357\tWdnm1l\t\tGO:0032496\tPMID:18492766\tIDA\t\tP\tWAP domain\tWdnm1-like|ex\tprotein\ttaxon:10090\t20090316\tMGI",
			Record{Entity: mouse, Annotation: said(func(a *Annotation) { a.Relations, a.Aspect = nil, "P" })},
		},
		"GPAD 1.1": {
			"!gpa-version: 1.1", "MGI\tMGI:1913357\tRO:0002331\tGO:0032496\tPMID:18492766\tECO:0000314\t\ttaxon:562\t20090316\tMGI",
			Record{Annotation: said(other)},
		},
		"GPAD 2.0": {
			"!gpad-version: 2.0", "MGI:MGI:1913357\tNOT\tRO:0002331\tGO:0032496\tPMID:18492766\tECO:0000314\t\tNCBITaxon:562\t2009-03-16T10:00:00\tMGI\t\tid=1",
			Record{Annotation: said(func(a *Annotation) { a.Negated = true; other(a) })},
		},
		"GPI 1.2":           {"!gpi-version: 1.2", "MGI\tMGI:1913357\tWdnm1l\tWAP domain\tWdnm1-like|ex\tprotein\ttaxon:10090\t\t\t", Record{Entity: mouse}},
		"GPI 1.2 of a form": {"!gpi-version: 1.2", "MGI\tMGI:1913357\tWdnm1l\tWAP domain\tWdnm1-like|ex\tprotein\ttaxon:10090\tMGI:MGI:2|MGI:MGI:3\t\t", Record{Entity: form}},
		"GPI 2.1":           {"!gpi-version: 2.1", "MGI:MGI:1913357\tWdnm1l\tWAP domain\tWdnm1-like|ex\tPR:000000001\tNCBITaxon:10090\t\t\t\t\t", Record{Entity: mouse}},
	} {
		records, version, number, faults, err := readAll(t, test.header+"\n"+test.line+"\n\n")
		if err != nil || faults != nil || number != 1 || len(records) != 1 {
			t.Errorf("%s: %v, %v, %d, %v", name, records, faults, number, err)
			continue
		}
		if test.want.Place = records[0].Place; !reflect.DeepEqual(records[0], test.want) {
			got, _ := json.Marshal(records[0])
			want, _ := json.Marshal(test.want)
			t.Errorf("%s:\n%s\n%s", name, got, want)
		}
		if kind := strings.ToLower(strings.Fields(name)[0]); !strings.HasPrefix(kind, version.Kind) {
			t.Errorf("%s: %+v", name, version)
		}
	}
}

func TestHeaders(t *testing.T) {
	_, said, _, _, err := readAll(t, "!gaf-version: 2.2\n!generated-by: MGI\n!Project-release: 6.24\n!date-generated: 2026-10-07T12:30\n!\n!Header from source association file:\n!date-generated: 2019-01-02\n"+gaf)
	if want := (lines.Version{Kind: "gaf", Version: "6.24", Date: "2026-10-07", File: "a.gaf"}); err != nil || said != want {
		t.Errorf("%+v, %v", said, err)
	}
	for name, text := range map[string]string{
		"no header": gaf + "\n", "nothing": "", "an old version": "!gaf-version: 1.0\n" + gaf, "another format": "!gff-version: 3\n", "GPI 1.1": "!gpi-version: 1.1\n", "late": gaf + "\n!gaf-version: 2.2\n",
	} {
		if _, _, _, _, err := readAll(t, text); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaults changes one cell of a line at a time.
func TestFaults(t *testing.T) {
	cell := func(i int, value string) string {
		cells := strings.Split(gaf, "\t")
		cells[i] = value
		return "!gaf-version: 2.2\n" + strings.Join(cells, "\t") + "\n"
	}
	for want, text := range map[string]string{
		"the line does not have 17 columns": "!gaf-version: 2.2\nMGI\tMGI:1\n",
		noEntity:                            cell(1, ""),
		noSymbol:                            cell(2, ""),
		noTerm:                              cell(4, "apoptosis"),
		noReference:                         cell(5, ""),
		noEvidence:                          cell(6, "ABC"),
		noTaxon:                             cell(12, "mouse"),
		noDate:                              cell(13, "20249999"),
		noNegation:                          "!gpad-version: 2.0\nMGI:1\tNegated\tRO:0002331\tGO:0032496\tPMID:1\tECO:0000314\t\t\t2009-03-16\tMGI\t\t\n",
		noSource:                            cell(14, ""),
		lines.NotUTF8:                       cell(9, "M\xfcnchen"),
		lines.TooLong:                       cell(9, strings.Repeat("x", 1<<20)),
		noRelation:                          "!gpad-version: 2.0\nMGI:1\t\tinvolved_in\tGO:0032496\tPMID:1\tECO:0000314\t\t\t2009-03-16\tMGI\t\t\n",
		"the line does not have 11 columns": "!gpi-version: 2.1\nMGI:1\n",
	} {
		records, _, number, faults, err := readAll(t, text)
		if err != nil || len(records) != 0 || number != 1 || !slices.Equal(faults, []string{"1 x " + want + ": a.gaf:2"}) {
			t.Errorf("%s: %v, %d, %q, %v", want, records, number, faults, err)
		}
	}
	if _, _, _, faults, _ := readAll(t, "!gaf-version: 2.2\n"+gaf+"\textra\n"); len(faults) != 1 {
		t.Errorf("18 columns: %q", faults)
	}
}

func TestEvidence(t *testing.T) {
	for _, test := range []struct {
		code, reference, want string
	}{
		{"IDA", "PMID:1", "ECO:0000314"}, {"IEA", "GO_REF:0000002", "ECO:0000256"}, {"IEA", "GO_REF:0000117", "ECO:0000501"}, {"XXX", "PMID:1", ""}, {"", "", ""},
	} {
		if got := byCode(test.code, []string{test.reference}); got.ECO != test.want || test.want != "" && got.Code != test.code {
			t.Errorf("%v: %+v", test, got)
		}
	}
	for eco, want := range map[string]string{"ECO:0000314": "IDA", "ECO:0000256": "IEA", "ECO:0000031": "ISS", "ECO:0005547": "NAS", "ECO:9999999": ""} {
		if got := byECO(eco); got.Code != want || got.ECO != eco {
			t.Errorf("%s: %+v", eco, got)
		}
	}
	if got := byECO("IDA"); got != (Evidence{}) {
		t.Errorf("%+v", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("!gaf-version: 2.2\n" + gaf + "\n")
	f.Add("!gpad-version: 2.0\nMGI:1\tNOT\tRO:0002331\tGO:0032496\tPMID:1\tECO:0000314\t\t\t2009-03-16\tMGI\t\t\n")
	f.Add("!gpi-version: 1.2\nMGI\tMGI:1\tA\tB\t\tprotein\ttaxon:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := lines.New(t.Context(), strings.NewReader(text), "f", func(lines.Place, string) {})
		if err != nil {
			return
		}
		read := &file{text: in, note: (&lines.Tally{}).Add}
		_ = read.read(func(r Record) error {
			if r.Annotation != nil && (!identified(r.Annotation.Entity) || !identified(r.Annotation.Term) || len(r.Annotation.Date) != 8) ||
				r.Entity != nil && (!identified(r.Entity.ID) || r.Entity.Symbol == "" || r.Entity.Taxon == "") {
				t.Errorf("%+v %+v", r.Entity, r.Annotation)
			}
			return nil
		})
	})
}

func TestQualifiers(t *testing.T) {
	for text, want := range map[string]Annotation{
		"":                         {},
		"NOT|involved_in":          {Negated: true, Relations: []string{"involved_in"}},
		"not, involved_in":         {Negated: true, Relations: []string{"involved_in"}},
		"NOT":                      {Negated: true},
		"NOT|RO:0002331":           {Negated: true, Relations: []string{"involved_in"}},
		"colocalizes_with|enables": {Relations: []string{"colocalizes_with", "enables"}},
	} {
		var got Annotation
		if !got.qualify(text) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for _, text := range []string{"!involved_in", "NOT_involved_in", "nicht", "RO:9999999"} {
		if got := (&Annotation{}); got.qualify(text) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
