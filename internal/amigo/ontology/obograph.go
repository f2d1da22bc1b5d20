package ontology

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

func isJSON(text *lines.Reader) bool {
	return strings.HasPrefix(strings.TrimSpace(string(text.Head(64))), "{")
}

// Names of properties in OBO Graphs (https://github.com/geneontology/obographs).
const (
	oboPrefix   = "http://purl.obolibrary.org/obo/"
	oboInOwl    = "http://www.geneontology.org/formats/oboInOwl#"
	namespaceIn = oboInOwl + "hasOBONamespace"
	alternative = oboInOwl + "hasAlternativeId"
	considerIn  = oboInOwl + "consider"
	replacedIn  = oboPrefix + "IAO_0100001"
)

type (
	graphNode struct {
		ID   string    `json:"id"`
		Type string    `json:"type"`
		Name string    `json:"lbl"`
		Meta graphMeta `json:"meta"`
	}
	graphMeta struct {
		Definition struct {
			Value string   `json:"val"`
			Xrefs []string `json:"xrefs"`
		} `json:"definition"`
		Comments   []string     `json:"comments"`
		Subsets    []string     `json:"subsets"`
		Synonyms   []graphValue `json:"synonyms"`
		Xrefs      []graphValue `json:"xrefs"`
		Properties []graphValue `json:"basicPropertyValues"`
		Deprecated bool         `json:"deprecated"`
	}
	graphValue struct {
		Predicate string `json:"pred"`
		Value     string `json:"val"`
	}
	graphEdge struct {
		Subject   string `json:"sub"`
		Predicate string `json:"pred"`
		Object    string `json:"obj"`
	}
	graphChain struct {
		Predicate string   `json:"predicateId"`
		Chain     []string `json:"chainPredicateIds"`
	}
)

// graphs reads OBO Graphs. A file has no useful lines, so that places are
// numbers of nodes.
type graphs struct {
	in        *json.Decoder
	meter     *meter
	note      lines.Note
	place     lines.Place
	relations *relations
	terms     map[string]*Term
	order     []string
	version   string
}

func readGraphs(text *lines.Reader, note lines.Note, r *relations, found func(*Term)) (version string, err error) {
	meter := &meter{in: text.Rest(), left: mostOfValue}
	g := &graphs{in: json.NewDecoder(meter), meter: meter, note: note, place: text.Place, relations: r, terms: map[string]*Term{}}
	err = g.each('{', func() error {
		return g.member("graphs", func() error {
			return g.each('[', func() error {
				return g.each('{', g.part)
			})
		})
	})
	if err != nil {
		return "", fmt.Errorf("is not OBO Graphs in JSON, at byte %d: %w", g.in.InputOffset(), err)
	}
	for _, id := range g.order {
		found(g.terms[id])
	}
	return g.version, nil
}

// each reads a list or an object, and calls item before each of its items.
func (g *graphs) each(open json.Delim, item func() error) error {
	token, err := g.in.Token()
	if err == nil && token != open {
		err = fmt.Errorf("%v stands in the place of %v", token, open)
	}
	for err == nil && g.in.More() {
		g.meter.left = mostOfValue
		err = item()
	}
	if err == nil {
		_, err = g.in.Token()
	}
	if err == io.EOF { //nolint:errorlint // as the decoder returns it
		err = io.ErrUnexpectedEOF
	}
	return err
}

// member reads one member of an object, which value does if it is called name.
func (g *graphs) member(name string, value func() error) error {
	key, err := g.in.Token()
	if err != nil {
		return err
	}
	if key == name {
		return value()
	}
	return g.skip()
}

// skip reads a value that nobody needs.
func (g *graphs) skip() error {
	for depth := 0; ; {
		g.meter.left = mostOfValue
		token, err := g.in.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// mostOfValue is how many bytes are read for one node or edge. GO's largest have
// some 100 kB.
const mostOfValue = 16 << 20

// errTooLarge tells that a value is not what an ontology has.
var errTooLarge = errors.New("one value has more than 16 MiB")

// meter reads until so much is read.
type meter struct {
	in   io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLarge
	}
	n, err := m.in.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// part reads one member of a graph.
func (g *graphs) part() error {
	key, err := g.in.Token()
	if err != nil {
		return err
	}
	switch key {
	case "meta":
		return decode(g.in, func(m struct {
			Version string `json:"version"`
		}) {
			g.version = m.Version
		})
	case "nodes":
		return g.each('[', func() error { return decode(g.in, g.node) })
	case "edges":
		return g.each('[', func() error { return decode(g.in, g.edge) })
	case "propertyChainAxioms":
		return g.each('[', func() error { return decode(g.in, g.chain) })
	}
	return g.skip()
}

func decode[T any](in *json.Decoder, take func(T)) error {
	var value T
	if err := in.Decode(&value); err != nil {
		return err
	}
	take(value)
	return nil
}

// curie shortens the address of a term: ".../obo/GO_0008150" to "GO:0008150".
func curie(iri string) string {
	if rest, ok := strings.CutPrefix(iri, oboPrefix); ok {
		if at := strings.LastIndexByte(rest, '_'); at > 0 && !strings.Contains(rest, "#") {
			return rest[:at] + ":" + rest[at+1:]
		}
		return rest
	}
	return iri
}

// fragment is what stands behind the last "#" or "/" of an address.
func fragment(iri string) string {
	return iri[strings.LastIndexAny(iri, "#/")+1:]
}

// term returns the term of an ID, which an edge may name before its node is read.
func (g *graphs) term(id string) *Term {
	t, there := g.terms[id]
	if !there {
		t = &Term{ID: id}
		g.terms[id] = t
	}
	return t
}

func (g *graphs) node(n graphNode) {
	g.place.Line++
	id := curie(n.ID)
	if n.Type == "PROPERTY" {
		g.relations.add(id, relation{name: n.Name}, nil)
		return
	}
	if n.Type != "CLASS" && n.Type != "" || n.Name == "" {
		return // what has been merged into another term has no name
	}
	if !usable(id) {
		g.note(g.place, badID, id)
		return
	}
	t := g.term(id)
	g.order = append(g.order, id)
	t.Place, t.Name, t.Obsolete = g.place, n.Name, n.Meta.Deprecated
	t.Definition, t.DefXrefs = n.Meta.Definition.Value, n.Meta.Definition.Xrefs
	t.Comment = strings.Join(n.Meta.Comments, " ")
	for _, subset := range n.Meta.Subsets {
		t.Subsets = append(t.Subsets, fragment(subset))
	}
	for _, synonym := range n.Meta.Synonyms {
		t.Synonyms = append(t.Synonyms, synonym.Value)
	}
	for _, xref := range n.Meta.Xrefs {
		t.Xrefs = append(t.Xrefs, xref.Value)
	}
	for _, p := range n.Meta.Properties {
		t.property(p)
	}
}

func (t *Term) property(p graphValue) {
	switch p.Predicate {
	case namespaceIn:
		t.Namespace = p.Value
	case alternative:
		t.AltIDs = append(t.AltIDs, curie(p.Value))
	case considerIn:
		t.Consider = append(t.Consider, curie(p.Value))
	case replacedIn:
		t.ReplacedBy = append(t.ReplacedBy, curie(p.Value))
	}
}

func (g *graphs) edge(e graphEdge) {
	subject, predicate, object := curie(e.Subject), curie(e.Predicate), curie(e.Object)
	if predicate == "subPropertyOf" {
		g.relations.add(subject, relation{above: []string{object}}, nil)
		return
	}
	t := g.term(subject)
	t.Links = append(t.Links, Link{predicate, object})
}

func (g *graphs) chain(c graphChain) {
	if len(c.Chain) != 2 {
		return
	}
	pair := [2]string{curie(c.Chain[0]), curie(c.Chain[1])}
	said := relation{chains: [][2]string{pair}}
	if slices.Equal(pair[:], []string{curie(c.Predicate), curie(c.Predicate)}) {
		said = relation{transitive: true}
	}
	g.relations.add(curie(c.Predicate), said, nil)
}
