package loader

import (
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
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
	a := r.Annotation
	if a == nil || !l.meant(r, a) {
		return nil
	}
	if parent, form := l.parents[a.Entity]; form {
		a.Entity, a.Isoform = parent, a.Entity
	}
	if l.evidence.of(a.Evidence.ECO) == nil {
		l.report.Noted.Add(r.Place, unknownECO, a.Evidence.ECO)
	}
	return take(key{a.Entity, ofAnnotation}, record{Annotation: a})
}

// meant makes an annotation's term one that is there and not obsolete, or returns
// false.
func (l *loader) meant(r annotation.Record, a *annotation.Annotation) bool {
	t := l.ontology.Find(a.Term)
	if t == nil {
		l.report.Skipped.Add(r.Place, unknownTerm, a.Term)
		return false
	}
	if t.ID != a.Term {
		l.report.Noted.Add(r.Place, movedTerm, a.Term)
	}
	if t.Obsolete {
		written := t.ID
		if t = l.replacement(t); t == nil {
			l.report.Skipped.Add(r.Place, obsoleteTerm, written)
			return false
		}
		l.report.Noted.Add(r.Place, replacedTerm, written)
	}
	a.Term = t.ID
	return true
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
