package ontology

import (
	"slices"
	"strings"
)

// Relations that AmiGO's closures are made of, as OBO files name them.
const (
	IsA             = "is_a"
	PartOf          = "part_of"
	OccursIn        = "occurs_in"
	Regulates       = "regulates"
	Negatively      = "negatively_regulates"
	Positively      = "positively_regulates"
	CapableOf       = "capable_of"
	CapableOfPartOf = "capable_of_part_of"
)

// drawn are the relations that AmiGO's closures are made of.
var drawn = []string{IsA, PartOf, OccursIn, Regulates, Negatively, Positively, CapableOf, CapableOfPartOf}

// Set is a set of the relations of AmiGO's closures.
type Set uint16

// setOf returns the set of one relation, which is empty for others.
func setOf(relation string) Set {
	if i := slices.Index(drawn, relation); i >= 0 {
		return 1 << i
	}
	return 0
}

// Sets over which AmiGO's fields isa_closure, isa_partof_closure and
// regulates_closure are closed, as its metadata/ont-config.yaml has them.
var (
	OnlyIsA      = setOf(IsA)
	IsAPartOf    = OnlyIsA | setOf(PartOf)
	AllRelations = Set(1<<len(drawn) - 1)
)

// names returns the relations in a set, in one order.
func (s Set) names() []string {
	var all []string
	for i, name := range drawn {
		if s&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return all
}

// relation is what can be concluded from one.
type relation struct {
	name       string
	transitive bool
	over       []string    // a relation that it goes on over
	chains     [][2]string // two relations that make it
	above      []string    // relations that it is a kind of
}

// relations are known by their canonical IDs.
type relations struct {
	byID  map[string]*relation
	alias map[string]string // other IDs
}

// known is what the Relation Ontology says of AmiGO's relations. Files may add
// to it.
func known() relations {
	r := relations{byID: map[string]*relation{
		IsA:             {transitive: true},
		PartOf:          {transitive: true},
		OccursIn:        {over: []string{PartOf}, chains: [][2]string{{PartOf, OccursIn}}},
		Regulates:       {over: []string{PartOf}},
		Negatively:      {over: []string{PartOf}, above: []string{Regulates}},
		Positively:      {over: []string{PartOf}, above: []string{Regulates}, chains: [][2]string{{Negatively, Negatively}}},
		CapableOf:       {},
		CapableOfPartOf: {chains: [][2]string{{CapableOf, PartOf}}},
	}, alias: map[string]string{
		"BFO:0000050": PartOf, "BFO:0000066": OccursIn, "RO:0002211": Regulates, "RO:0002212": Negatively,
		"RO:0002213": Positively, "RO:0002215": CapableOf, "RO:0002216": CapableOfPartOf,
	}}
	for id, rel := range r.byID {
		rel.name = strings.ReplaceAll(id, "_", " ")
	}
	return r
}

// canonical returns the ID by which AmiGO's relations are known here, or id.
func (r relations) canonical(id string) string {
	if other, there := r.alias[id]; there {
		return other
	}
	return id
}

// add takes in what a file says of a relation. xrefs are its other IDs.
func (r relations) add(id string, said relation, xrefs []string) {
	id = r.canonical(id)
	for _, xref := range xrefs {
		if other, there := r.alias[xref]; there {
			r.alias[id] = other
			id = other
		}
	}
	mine, there := r.byID[id]
	if !there {
		mine = &relation{name: id}
		r.byID[id] = mine
	}
	if said.name != "" {
		mine.name = said.name
	}
	mine.transitive = mine.transitive || said.transitive
	mine.over = append(mine.over, said.over...)
	mine.chains = append(mine.chains, said.chains...)
	mine.above = append(mine.above, said.above...)
	for _, xref := range xrefs {
		if _, there := r.alias[xref]; !there && xref != id {
			r.alias[xref] = id
		}
	}
}

// compose returns the relations of a to c, if a has the first to b, and b the
// second to c.
func (r relations) compose(first, second string) []string {
	switch {
	case first == IsA:
		return []string{second}
	case second == IsA:
		return []string{first}
	}
	var all []string
	for _, x := range r.kinds(first) {
		for _, y := range r.kinds(second) {
			if rel := r.byID[x]; rel != nil && (x == y && rel.transitive || r.has(rel.over, y)) {
				all = append(all, x)
			}
			for id, rel := range r.byID {
				for _, chain := range rel.chains {
					if r.canonical(chain[0]) == x && r.canonical(chain[1]) == y {
						all = append(all, id)
					}
				}
			}
		}
	}
	return all
}

func (r relations) has(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(other string) bool { return r.canonical(other) == id })
}

// kinds returns a relation and those that it is a kind of.
func (r relations) kinds(id string) []string {
	all := []string{id}
	for i := 0; i < len(all); i++ {
		rel := r.byID[all[i]]
		if rel == nil {
			continue
		}
		for _, above := range rel.above {
			if above = r.canonical(above); !slices.Contains(all, above) {
				all = append(all, above)
			}
		}
	}
	return all
}

// Relation is what a relation is called: its ID and its name.
type Relation struct{ ID, Name string }

// FindRelation returns the relation that an ID, name or other ID means.
func (o *Ontology) FindRelation(id string) (Relation, bool) {
	id = o.relations.canonical(id)
	rel, there := o.relations.byID[id]
	if !there {
		return Relation{}, false
	}
	return Relation{ID: id, Name: rel.name}, true
}
