package annotation

import (
	"maps"
	"slices"
	"strings"
)

// relationNames are those of the relations that GPAD 2.0 names by their IDs
// (https://github.com/geneontology/go-annotation/blob/master/specs/gpad-gpi-2-0.md).
var relationNames = map[string]string{
	"RO:0002327":  "enables",
	"RO:0002326":  "contributes_to",
	"RO:0002331":  "involved_in",
	"RO:0002263":  "acts_upstream_of",
	"RO:0004034":  "acts_upstream_of_positive_effect",
	"RO:0004035":  "acts_upstream_of_negative_effect",
	"RO:0002264":  "acts_upstream_of_or_within",
	"RO:0004032":  "acts_upstream_of_or_within_positive_effect",
	"RO:0004033":  "acts_upstream_of_or_within_negative_effect",
	"BFO:0000050": "part_of",
	"RO:0001025":  "located_in",
	"RO:0002432":  "is_active_in",
	"RO:0002325":  "colocalizes_with",
}

// relationsOfGO are all that an annotation may have, with those of GAF before 2.2.
var relationsOfGO = append(slices.Collect(maps.Values(relationNames)), "integral_to", "cut")

// readGPAD1 reads GPAD 1.1 and 1.2.
func readGPAD1(c []string) (Record, string) {
	a := associate(c[0]+":"+c[1], c[3:])
	known := a.qualify(c[2])
	switch {
	case c[0] == "" || c[1] == "" || !identified(a.Entity):
		return Record{}, noEntity
	case !known:
		return Record{}, noRelation
	}
	return Record{Annotation: a}, a.fault()
}

// readGPAD2 reads GPAD 2.0.
func readGPAD2(c []string) (Record, string) {
	a := associate(c[0], c[3:])
	name, known := relationNames[c[2]]
	a.Negated, a.Relations = strings.EqualFold(c[1], "NOT"), []string{name}
	switch {
	case c[1] != "" && !a.Negated:
		return Record{}, noNegation
	case !identified(a.Entity):
		return Record{}, noEntity
	case !known:
		return Record{}, noRelation
	}
	return Record{Annotation: a}, a.fault()
}

// associate returns an annotation of the columns that both versions have, from that
// of the term on.
func associate(entity string, c []string) *Annotation {
	return &Annotation{
		Entity: entity, Term: c[0], References: list(c[1]), Evidence: byECO(c[2]), With: list(c[3]),
		OtherTaxon: taxon(c[4]), Date: date(c[5]), AssignedBy: c[6], Extension: c[7],
	}
}

// readGPI1 reads GPI 1.2
// (https://github.com/geneontology/go-annotation/blob/master/specs/gpad-gpi-1_2.md).
func readGPI1(c []string) (Record, string) {
	return entity(&Entity{ID: c[0] + ":" + c[1], Symbol: c[2], Name: c[3], Synonyms: list(c[4]), Type: c[5], Taxon: taxon(c[6]), Parent: first(c[7])})
}

// types are the names of what GPI 2.0 calls by IDs of the Sequence Ontology, the
// Protein Ontology and GO.
var types = map[string]string{
	"PR:000000001": "protein",
	"GO:0032991":   "protein-containing complex",
	"SO:0000704":   "gene",
	"SO:0001217":   "protein-coding gene",
	"SO:0001263":   "ncRNA-coding gene",
	"SO:0000234":   "mRNA",
	"SO:0000655":   "ncRNA",
	"SO:0000252":   "rRNA",
	"SO:0000253":   "tRNA",
	"SO:0000276":   "miRNA",
	"SO:0000275":   "snoRNA",
	"SO:0000274":   "snRNA",
	"SO:0000590":   "SRP_RNA",
	"SO:0000336":   "pseudogene",
}

// readGPI2 reads GPI 2.0 and 2.1.
func readGPI2(c []string) (Record, string) {
	e := &Entity{ID: c[0], Symbol: c[1], Name: c[2], Synonyms: list(c[3]), Type: first(c[4]), Taxon: taxon(c[5]), Parent: first(c[7])}
	if name, known := types[e.Type]; known {
		e.Type = name
	}
	return entity(e)
}

// first returns the first item of a cell, or "".
func first(cell string) string {
	if all := list(cell); len(all) > 0 {
		return all[0]
	}
	return ""
}

func entity(e *Entity) (Record, string) {
	switch {
	case !identified(e.ID) || e.Parent != "" && !identified(e.Parent):
		return Record{}, noEntity
	case e.Symbol == "":
		return Record{}, noSymbol
	case e.Taxon == "":
		return Record{}, noTaxon
	}
	return Record{Entity: e}, ""
}
