package loader

import (
	"encoding/json"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/ontology"
)

// closure is a set of terms as documents have it.
type closure struct {
	ids    []string
	labels []string
	names  map[string]string // from IDs to labels
}

// add takes in a term, once.
func (c *closure) add(id, label string) {
	if _, there := c.names[id]; there {
		return
	}
	if c.names == nil {
		c.names = map[string]string{}
	}
	c.names[id] = label
	c.ids, c.labels = append(c.ids, id), append(c.labels, label)
}

// text is the closure as the fields *_closure_map have it.
func (c *closure) text() string {
	if len(c.names) == 0 {
		return ""
	}
	text, err := json.Marshal(c.names)
	if err != nil {
		return ""
	}
	return string(text)
}

// above is what is above a term.
type above struct {
	term                  *ontology.Term
	isA, isAPartOf, every closedSet
	offered               closedSet // what AmiGO's filters offer of isA, and the term itself
}

// closedSet is a [closure] that nothing is added to any more.
type closedSet struct {
	ids, labels []string
	text        string
}

func (c *closure) closed() closedSet { return closedSet{c.ids, c.labels, c.text()} }

// remembered is how many terms' closures are kept: those of the terms that most
// annotations are to.
const remembered = 500

// closures remembers what is above terms.
type closures struct {
	ontology *ontology.Ontology
	subset   string // whose terms AmiGO's filters offer, or ""
	known    *lru.Cache[string, *above]
}

func newClosures(o *ontology.Ontology, subset string) *closures {
	known, err := lru.New[string, *above](remembered)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &closures{ontology: o, subset: subset, known: known}
}

// of returns what is above the term of an ID, or nil if there is no such term.
func (c *closures) of(id string) *above {
	if found, there := c.known.Get(id); there {
		return found
	}
	t := c.ontology.Find(id)
	if t == nil {
		return nil
	}
	made := c.over(t, c.ontology.Closure(t))
	c.known.Add(id, made)
	return made
}

// over returns what is above a term that has these ancestors.
func (c *closures) over(t *ontology.Term, ancestors []ontology.Ancestor) *above {
	var isA, isAPartOf, every, offered closure
	for _, a := range ancestors {
		every.add(a.Term.ID, a.Term.Label())
		if a.Relations&ontology.IsAPartOf != 0 {
			isAPartOf.add(a.Term.ID, a.Term.Label())
		}
		if a.Relations&ontology.OnlyIsA == 0 {
			continue
		}
		isA.add(a.Term.ID, a.Term.Label())
		if slices.Contains(a.Term.Subsets, c.subset) {
			offered.add(a.Term.ID, a.Term.Label())
		}
	}
	offered.add(t.ID, t.Label())
	return &above{t, isA.closed(), isAPartOf.closed(), every.closed(), offered.closed()}
}
