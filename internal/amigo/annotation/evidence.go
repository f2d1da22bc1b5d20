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

// ECO is the Evidence and Conclusion Ontology of 2024-07-19, in the OBO format: names and
// ancestors (https://github.com/evidenceontology/evidenceontology, CC0 1.0).
//
//go:embed eco.obo
var ECO string

//go:embed codes.tsv
var codesTable string

// What stands in the place of a reference: a code means the term always, or the
// term is only written as that code.
const (
	always  = "Default"
	derived = "Derived"
)

// terms are those of codes, by code and reference; codes are those of terms.
var terms, codes = func() (terms map[[2]string]string, codes map[string]string) {
	terms, codes = map[[2]string]string{}, map[string]string{}
	for line := range strings.Lines(codesTable) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		code, reference, eco := cells[0], cells[1], cells[2]
		if reference != derived {
			terms[[2]string{code, reference}] = eco
		}
		if _, known := codes[eco]; !known || reference == always {
			codes[eco] = code
		}
	}
	return terms, codes
}()

// byCode returns what a code means with these references.
func byCode(code string, references []string) Evidence {
	for _, reference := range slices.Concat(references, []string{always}) {
		if eco, known := terms[[2]string{code, reference}]; known {
			return Evidence{code, eco}
		}
	}
	return Evidence{}
}

// byECO returns the evidence of a term.
func byECO(id string) Evidence {
	if !strings.HasPrefix(id, "ECO:") {
		return Evidence{}
	}
	return Evidence{codes[id], id}
}
