package annotation

import (
	"slices"
	"strings"
	"unicode"
)

// What a line lacks. It is left out then.
const (
	noEntity    = "no ID of a gene product"
	noSymbol    = "no symbol of a gene product"
	noTerm      = "no ID of a term"
	noReference = "no reference"
	noEvidence  = "an evidence code that GO does not have"
	noTaxon     = "no taxon like taxon:9606"
	noDate      = "no date like 20261105"
	noSource    = "nobody who assigned it"
	noRelation  = "a relation that GO does not have"
	noNegation  = "a negation that is not NOT"
)

// readGAF reads GAF 2.0 to 2.2
// (https://geneontology.org/docs/go-annotation-file-gaf-format-2.2/).
func readGAF(c []string) (Record, string) {
	taxa := list(c[12])
	e := &Entity{ID: c[0] + ":" + c[1], Symbol: c[2], Name: c[9], Synonyms: list(c[10]), Type: c[11]}
	if len(taxa) > 0 {
		e.Taxon = taxon(taxa[0])
	}
	a := &Annotation{
		Entity: e.ID, Term: c[4], References: list(c[5]), With: list(c[7]),
		Aspect: c[8], Date: date(c[13]), AssignedBy: c[14], Extension: c[15], Isoform: c[16],
	}
	if len(taxa) > 1 {
		a.OtherTaxon = taxon(taxa[1])
	}
	known := a.qualify(c[3])
	a.Evidence = byCode(c[6], a.References)
	for _, must := range []struct {
		ok    bool
		fault string
	}{
		{c[0] != "" && c[1] != "" && identified(e.ID), noEntity},
		{e.Symbol != "", noSymbol},
		{e.Taxon != "", noTaxon},
		{known, noRelation},
	} {
		if !must.ok {
			return Record{}, must.fault
		}
	}
	return Record{Entity: e, Annotation: a}, a.fault()
}

// qualify takes in relations and negation, as "NOT|involved_in". It returns false if a
// word is neither: the annotation might say the opposite.
func (a *Annotation) qualify(text string) bool {
	words := strings.FieldsFunc(text, func(c rune) bool { return c == '|' || c == ',' || unicode.IsSpace(c) })
	for _, word := range words {
		name, known := relationNames[word]
		if !known {
			name = strings.ToLower(word)
		}
		switch {
		case name == "not":
			a.Negated = true
		case !slices.Contains(relationsOfGO, name):
			return false
		case !slices.Contains(a.Relations, name):
			a.Relations = append(a.Relations, name)
		}
	}
	return true
}

// fault says what every annotation must have and this one has not, or "".
func (a *Annotation) fault() string {
	switch {
	case !identified(a.Term):
		return noTerm
	case len(a.References) == 0:
		return noReference
	case a.Evidence.ECO == "":
		return noEvidence
	case a.Date == "":
		return noDate
	case a.AssignedBy == "":
		return noSource
	}
	return ""
}
