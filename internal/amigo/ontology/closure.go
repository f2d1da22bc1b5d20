package ontology

import (
	"slices"
	"strings"
)

// Ancestor is a term that another one has relations to, directly or by what
// follows from its links.
type Ancestor struct {
	Term      *Term
	Relations Set
}

// Closure returns the ancestors of a term over [AllRelations], in the order of their
// IDs, and the term itself by [OnlyIsA]. A relation counts only where it follows: that
// A is part of B, and B regulates C, says nothing of A and C.
func (o *Ontology) Closure(t *Term) []Ancestor {
	type state struct {
		term     int
		relation string
	}
	start := o.index[t.ID]
	reached := map[int]Set{start: OnlyIsA}
	open := []state{{start, IsA}}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		for _, up := range o.parents[at.term] {
			for _, relation := range o.relations.compose(at.relation, up.relation) {
				if bit := setOf(relation); bit != 0 && reached[up.term]&bit == 0 {
					reached[up.term] |= bit
					open = append(open, state{up.term, relation})
				}
			}
		}
	}
	all := make([]Ancestor, 0, len(reached))
	for term, relations := range reached {
		all = append(all, Ancestor{o.terms[term], relations})
	}
	slices.SortFunc(all, func(a, b Ancestor) int { return strings.Compare(a.Term.ID, b.Term.ID) })
	return all
}
