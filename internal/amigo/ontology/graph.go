package ontology

import (
	"cmp"
	"slices"
	"strings"
)

// Graph is what AmiGO draws, in the form of bbop-graph's JSON.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is a term in a [Graph].
type Node struct {
	ID    string `json:"id"`
	Label string `json:"lbl"`
}

// Edge says that the subject has a relation to the object.
type Edge struct {
	Subject   string `json:"sub"`
	Object    string `json:"obj"`
	Predicate string `json:"pred"`
}

// graph collects nodes and edges, each once.
type graph struct {
	o     *Ontology
	nodes map[int]bool
	edges map[Edge]bool
}

func (o *Ontology) graphOf(t *Term) (*graph, int) {
	i := o.index[t.ID]
	return &graph{o: o, nodes: map[int]bool{i: true}, edges: map[Edge]bool{}}, i
}

func (g *graph) add(from int, relation string, to int) {
	g.nodes[from], g.nodes[to] = true, true
	g.edges[Edge{g.o.terms[from].ID, g.o.terms[to].ID, relation}] = true
}

// sorted returns the graph with its parts in one order.
func (g *graph) sorted() Graph {
	made := Graph{Nodes: []Node{}, Edges: []Edge{}}
	for i := range g.nodes {
		made.Nodes = append(made.Nodes, Node{g.o.terms[i].ID, g.o.terms[i].Label()})
	}
	for e := range g.edges {
		made.Edges = append(made.Edges, e)
	}
	slices.SortFunc(made.Nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(made.Edges, func(a, b Edge) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.Object, b.Object), strings.Compare(a.Predicate, b.Predicate))
	})
	return made
}

// Topology is every link on the ways up from a term, and those of its children.
func (o *Ontology) Topology(t *Term) Graph {
	g, start := o.graphOf(t)
	open, seen := []int{start}, map[int]bool{start: true}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		for _, up := range o.parents[at] {
			if setOf(up.relation) == 0 {
				continue
			}
			g.add(at, up.relation, up.term)
			if !seen[up.term] {
				seen[up.term] = true
				open = append(open, up.term)
			}
		}
	}
	for _, down := range o.children[start] {
		if setOf(down.relation) != 0 {
			g.add(down.term, down.relation, start)
		}
	}
	return g.sorted()
}

// Lineage has an edge from a term to each of its ancestors, as [Ontology.Closure] has
// them, for each of the relations that it has to them.
func (o *Ontology) Lineage(t *Term, ancestors []Ancestor, relations Set) Graph {
	g, start := o.graphOf(t)
	for _, a := range ancestors {
		if a.Term == t {
			continue
		}
		for _, r := range (a.Relations & relations).names() {
			g.add(start, r, o.index[a.Term.ID])
		}
	}
	return g.sorted()
}

// Neighbors is a term with its links and those that lead to it, of which at most
// limit are taken if that is above 0.
func (o *Ontology) Neighbors(t *Term, limit int) Graph {
	g, start := o.graphOf(t)
	for _, up := range o.parents[start] {
		g.add(start, up.relation, up.term)
	}
	for _, down := range o.children[start] {
		if limit > 0 && len(g.edges) >= limit {
			break
		}
		g.add(down.term, down.relation, start)
	}
	return g.sorted()
}
