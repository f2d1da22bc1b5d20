package annotation

import (
	_ "embed"
	"slices"
	"strings"
)

// Evidence is why somebody believes in an annotation: by GAF's code, and as a
// term of the Evidence and Conclusion Ontology.
type Evidence struct {
	Code string // "IDA", or "" if no code means the term
	ECO  string // "ECO:0000314", or "" if there is none
}

// ECO is the part of the Evidence and Conclusion Ontology that GO's codes mean, in
// the OBO format.
//
//go:embed eco.obo
var ECO string

//go:embed codes.tsv
var codesTable string

// code is a line of the table.
type code struct{ code, reference, eco string }

var codes = func() (all []code) {
	for line := range strings.Lines(codesTable) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) == 3 && !strings.HasPrefix(line, "#") {
			all = append(all, code{cells[0], cells[1], cells[2]})
		}
	}
	return all
}()

// always stands in the place of a reference.
const always = "Default"

// byCode returns what a code means with these references.
func byCode(name string, references []string) Evidence {
	found := Evidence{}
	for _, c := range codes {
		if c.code == name && (c.reference == always && found.ECO == "" || slices.Contains(references, c.reference)) {
			found = Evidence{name, c.eco}
		}
	}
	return found
}

// byECO returns the evidence of a term.
func byECO(id string) Evidence {
	if !strings.HasPrefix(id, "ECO:") {
		return Evidence{}
	}
	found := Evidence{ECO: id}
	for _, c := range codes {
		if c.eco == id && (found.Code == "" || c.reference == always) {
			found.Code = c.code
		}
	}
	return found
}
