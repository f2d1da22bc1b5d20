package loader

import (
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
)

// Why an annotation is left out, or is not taken as it is written.
const (
	unknownTerm  = "an annotation to a term that the ontology does not have"
	obsoleteTerm = "an annotation to an obsolete term that no other one replaces"
	movedTerm    = "an annotation to an alternative ID, taken for that of the term"
	replacedTerm = "an annotation to an obsolete term, taken for the one that replaces it"
)

// resolve finds the term that an annotation means, and passes on what can be loaded.
func (l *loader) resolve(r annotation.Record, take func(key, record) error) error {
	if e := r.Entity; e != nil {
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
		if len(t.ReplacedBy) == 1 {
			t = l.ontology.Find(t.ReplacedBy[0])
		}
		if t == nil || t.Obsolete {
			l.report.Skipped.Add(r.Place, obsoleteTerm, written)
			return false
		}
		l.report.Noted.Add(r.Place, replacedTerm, written)
	}
	a.Term = t.ID
	return true
}
