// Package ontology reads ontologies, in the OBO format or as OBO Graphs in JSON,
// and tells what their terms are below: closures, and the graphs that AmiGO
// draws.
package ontology

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// Term is a class of an ontology.
type Term struct {
	ID         string // "GO:0008150"
	Name       string
	Namespace  string // "biological_process", or ""
	Definition string
	DefXrefs   []string
	Xrefs      []string
	Synonyms   []string
	Subsets    []string
	AltIDs     []string
	Comment    string
	ReplacedBy []string
	Consider   []string
	Obsolete   bool
	Links      []Link
	Place      lines.Place
}

// Label is the term's name, or its ID if it has none.
func (t *Term) Label() string {
	if t.Name == "" {
		return t.ID
	}
	return t.Name
}

// Link says that a term has a relation to another.
type Link struct {
	Relation string // "is_a", or an ID that [Ontology.Relation] knows
	Target   string // ID of a term
}

// Ontology is one or more ontologies that were put together.
type Ontology struct {
	Sources []lines.Version // what its files say of themselves

	terms     []*Term // by ID
	index     map[string]int
	alternate map[string]string // to the ID that a term has now
	relations relations
	children  [][]edge // by term: from whom links come
	parents   [][]edge // by term: where its links go
}

// edge is a link between terms that are there.
type edge struct {
	term     int
	relation string // canonical
}

// LoopError tells that a term is above itself.
type LoopError struct{ Terms []*Term }

func (e *LoopError) Error() string {
	var parts []string
	for _, term := range e.Terms {
		parts = append(parts, fmt.Sprintf("%s (%s)", term.ID, term.Place))
	}
	return "these terms are each below the next, and so below themselves: " + strings.Join(parts, ", ")
}

// ErrEmpty tells that there is no term.
var ErrEmpty = errors.New("holds no term")

// Read reads the files at paths and puts them together. note is told of what was
// left out. Of a term that is in two files, the first name and definition
// count, and all links. The error of terms that are below themselves is a [*LoopError].
func Read(ctx context.Context, paths []string, note lines.Note) (*Ontology, error) {
	o, found := empty(), map[string]*Term{}
	for _, path := range paths {
		here := map[string]bool{}
		said, err := readFile(ctx, path, note, &o.relations, func(t *Term) {
			if here[t.ID] {
				note(t.Place, "a term that the file has twice", t.ID)
			}
			here[t.ID] = true
			if first, there := found[t.ID]; there {
				first.merge(t)
			} else {
				found[t.ID] = t
			}
		})
		if err != nil {
			return nil, err
		}
		o.Sources = append(o.Sources, said)
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: %w", path, ErrEmpty)
		}
	}
	return o, o.finish(found, note)
}

func readFile(ctx context.Context, path string, note lines.Note, r *relations, found func(*Term)) (lines.Version, error) {
	text, err := lines.Open(ctx, path, func(at lines.Place, what string) { note(at, what, "") })
	if err != nil {
		return lines.Version{}, err
	}
	defer func() { _ = text.Close() }()
	version, err := read(text, note, r, found)
	if err != nil {
		return lines.Version{}, fmt.Errorf("%s: %w", path, err)
	}
	return lines.Version{Kind: "ontology", Version: version, File: text.Place.File}.Cleaned(), nil
}

// read returns the version that the text tells.
func read(text *lines.Reader, note lines.Note, r *relations, found func(*Term)) (version string, err error) {
	if isJSON(text) {
		return readGraphs(text, note, r, found)
	}
	return readOBO(text, note, r, found)
}

// Parse is [Read] for one text that is called name.
func Parse(ctx context.Context, name, text string, note lines.Note) (*Ontology, error) {
	in, err := lines.New(ctx, strings.NewReader(text), name, func(at lines.Place, what string) { note(at, what, "") })
	if err != nil {
		return nil, err
	}
	o, found := empty(), map[string]*Term{}
	if _, err := read(in, note, &o.relations, func(t *Term) { found[t.ID] = t }); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, o.finish(found, note)
}

func empty() *Ontology {
	return &Ontology{index: map[string]int{}, alternate: map[string]string{}, relations: known()}
}

// finish puts terms in order and links them.
func (o *Ontology) finish(found map[string]*Term, note lines.Note) error {
	o.take(found)
	o.link(note)
	return o.checkLoops()
}

// take puts terms in order.
func (o *Ontology) take(found map[string]*Term) {
	for _, t := range found {
		t.clean()
		o.terms = append(o.terms, t)
	}
	slices.SortFunc(o.terms, func(a, b *Term) int { return strings.Compare(a.ID, b.ID) })
	for i, t := range o.terms {
		o.index[t.ID] = i
	}
	for _, t := range o.terms {
		for _, id := range t.AltIDs {
			if _, there := o.index[id]; !there {
				o.alternate[id] = t.ID
			}
		}
	}
}

// link finds the terms that links lead to.
func (o *Ontology) link(note lines.Note) {
	o.parents, o.children = make([][]edge, len(o.terms)), make([][]edge, len(o.terms))
	for i, t := range o.terms {
		seen := map[edge]bool{}
		for _, l := range t.Links {
			target, there := o.index[l.Target]
			if !there {
				note(t.Place, "a link to a term that is not there", l.Target)
				continue
			}
			e := edge{target, o.relations.drawable(l.Relation)}
			if !seen[e] {
				seen[e] = true
				o.parents[i] = append(o.parents[i], e)
				o.children[target] = append(o.children[target], edge{i, e.relation})
			}
		}
	}
}

// checkLoops looks for a way that leads from a term back to it.
func (o *Ontology) checkLoops() error {
	const fresh, open, done = 0, 1, 2
	state := make([]byte, len(o.terms))
	type step struct {
		term int
		next int
	}
	for start := range o.terms {
		if state[start] != fresh {
			continue
		}
		way := []step{{term: start}}
		state[start] = open
		for len(way) > 0 {
			top := &way[len(way)-1]
			if top.next == len(o.parents[top.term]) {
				state[top.term] = done
				way = way[:len(way)-1]
				continue
			}
			up := o.parents[top.term][top.next]
			top.next++
			if up.relation != IsA && up.relation != PartOf {
				continue
			}
			switch state[up.term] {
			case fresh:
				state[up.term] = open
				way = append(way, step{term: up.term})
			case open:
				loop := &LoopError{}
				from := slices.IndexFunc(way, func(s step) bool { return s.term == up.term })
				for _, s := range way[from:] {
					loop.Terms = append(loop.Terms, o.terms[s.term])
				}
				return loop
			}
		}
	}
	return nil
}

// Terms returns all terms, in the order of their IDs.
func (o *Ontology) Terms() []*Term { return o.terms }

// Find returns the term that an ID or alternative ID means, or nil.
func (o *Ontology) Find(id string) *Term {
	if now, moved := o.alternate[id]; moved {
		id = now
	}
	if i, there := o.index[id]; there {
		return o.terms[i]
	}
	return nil
}
