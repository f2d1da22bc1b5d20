package loader

import (
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/ontology"
)

// Why an annotation is left out, or is not taken as it is written.
const (
	unknownTerm  = "an annotation to a term that the ontology does not have"
	obsoleteTerm = "an annotation to an obsolete term that no single term replaces"
	movedTerm    = "an annotation to an alternative ID, taken for that of the term"
	replacedTerm = "an annotation to an obsolete term, taken for the one that replaces it"
	unknownECO   = "an evidence term that the Evidence and Conclusion Ontology does not have"
	sameID       = "a gene product that has the ID of a term, whose document it replaces"
)

// resolve finds the term that an annotation means, and passes on what can be loaded.
func (l *loader) resolve(r annotation.Record, take func(key, record) error) error {
	if e := r.Entity; e != nil && e.Parent != "" {
		l.parents[e.ID] = e.Parent
	} else if e != nil {
		if t := l.ontology.Find(e.ID); t != nil && t.ID == e.ID {
			l.report.Noted.Add(r.Place, sameID, e.ID)
		}
		source := fromGAF
		if r.Annotation == nil {
			source = fromGPI
		}
		if err := take(key{e.ID, source}, record{Entity: e}); err != nil {
			return err
		}
	}
	if r.Annotation == nil {
		return nil
	}
	t := l.meant(r.Place, r.Annotation.Term)
	if t == nil {
		return nil
	}
	a := *r.Annotation
	a.Term = t.ID
	if parent, form := l.parents[a.Entity]; form {
		a.Entity, a.Isoform = parent, a.Entity
	}
	if l.evidence.of(a.Evidence.ECO) == nil {
		l.report.Noted.Add(r.Place, unknownECO, a.Evidence.ECO)
	}
	return take(key{a.Entity, ofAnnotation}, record{Annotation: &a})
}

// meant returns the term that an annotation's ID means, which is not obsolete, or nil.
func (l *loader) meant(at lines.Place, id string) *ontology.Term {
	t := l.ontology.Find(id)
	if t == nil {
		l.report.Skipped.Add(at, unknownTerm, id)
		return nil
	}
	if t.ID != id {
		l.report.Noted.Add(at, movedTerm, id)
	}
	if !t.Obsolete {
		return t
	}
	now := l.replacement(t)
	if now == nil {
		l.report.Skipped.Add(at, obsoleteTerm, t.ID)
		return nil
	}
	l.report.Noted.Add(at, replacedTerm, t.ID)
	return now
}

// mostReplaced is how many terms in a row may have been replaced.
const mostReplaced = 10

// replacement returns the term that replaces an obsolete one, or nil.
func (l *loader) replacement(t *ontology.Term) *ontology.Term {
	for range mostReplaced {
		if t == nil || !t.Obsolete {
			return t
		}
		if len(t.ReplacedBy) != 1 {
			return nil
		}
		t = l.ontology.Find(t.ReplacedBy[0])
	}
	return nil
}
