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
	byID     map[string]*relation
	alias    map[string]string      // other IDs
	composed map[[2]string][]string // what was asked for
	chained  map[[2]string][]string // relations by what makes them; nil: not known yet
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
	}, composed: map[[2]string][]string{}}
	for id, rel := range r.byID {
		rel.name = strings.ReplaceAll(id, "_", " ")
	}
	return r
}

// canonical returns the ID by which AmiGO's relations are known here, or id.
func (r *relations) canonical(id string) string {
	if other, there := r.alias[id]; there {
		return other
	}
	return id
}

// add takes in what a file says of a relation. xrefs are its other IDs.
func (r *relations) add(id string, said relation, xrefs []string) {
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
func (r *relations) compose(first, second string) []string {
	switch {
	case first == IsA:
		return []string{second}
	case second == IsA:
		return []string{first}
	}
	pair := [2]string{first, second}
	made, known := r.composed[pair]
	if !known {
		made = r.conclude(first, second)
		r.composed[pair] = made
	}
	return made
}

func (r *relations) conclude(first, second string) (all []string) {
	if r.chained == nil {
		r.chain()
	}
	for _, x := range r.kinds(first) {
		for _, y := range r.kinds(second) {
			if rel := r.byID[x]; rel != nil && (x == y && rel.transitive || r.has(rel.over, y)) {
				all = append(all, x)
			}
			all = append(all, r.chained[[2]string{x, y}]...)
		}
	}
	return all
}

// chain notes what makes relations.
func (r *relations) chain() {
	r.chained = map[[2]string][]string{}
	for id, rel := range r.byID {
		for _, chain := range rel.chains {
			pair := [2]string{r.canonical(chain[0]), r.canonical(chain[1])}
			r.chained[pair] = append(r.chained[pair], id)
		}
	}
}

func (r *relations) has(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(other string) bool { return r.canonical(other) == id })
}

// mostKinds is how many relations one may be a kind of. The Relation Ontology's are
// of ten at most.
const mostKinds = 50

// kinds returns a relation and those that it is a kind of, the nearest first.
func (r *relations) kinds(id string) []string {
	all := []string{id}
	for i := 0; i < len(all) && len(all) < mostKinds; i++ {
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

// drawable returns the relation of AmiGO's closures that one is, or is a kind of; else
// it returns the relation.
func (r *relations) drawable(id string) string {
	id = r.canonical(id)
	for _, kind := range r.kinds(id) {
		if setOf(kind) != 0 {
			return kind
		}
	}
	return id
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
