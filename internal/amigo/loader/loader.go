// Package loader makes the documents of GOlr from ontologies and annotations, as
// owltools does for the Gene Ontology's own releases.
package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/ontology"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Version changes whenever the same input makes other documents.
const Version = "1"

// Input is what documents are made from.
type Input struct {
	Ontologies  []string // files in the OBO format or OBO Graphs in JSON
	Annotations []string // GAF, GPAD and GPI files
	MaxSkipped  string   // of the annotations' lines, as [ParseShare] has it
	Schema      string   // Solr's schema.xml; documents have no other fields. "": they have all
}

// Validate says what is wrong with in, each fault as that of its field (package field).
func (in Input) Validate() error {
	switch {
	case len(in.Ontologies) > 0:
		_, err := ParseShare(in.MaxSkipped)
		return field.Wrap("GOlr.MaxSkipped", err)
	case len(in.Annotations) > 0:
		return field.Errorf("GOlr.Annotations", "need an ontology with the terms that they are to")
	}
	return nil
}

// Report is what was made.
type Report struct {
	Terms, Entities, Annotations int
	Skipped                      lines.Tally     // lines that were left out
	Noted                        lines.Tally     // what was read in another way than it is written
	Sources                      []lines.Version // that the files say of themselves
}

// String returns a line for people.
func (r *Report) String() string {
	return fmt.Sprintf("%d terms, %d annotations of %d gene products", r.Terms, r.Annotations, r.Entities)
}

// logged are the kinds of sources that AmiGO's page about its data shows.
var logged = map[string]string{"ontology": "ontology", "gaf": "gaf", "gpad": "gaf", "gpa": "gaf"}

// Log returns what was loaded as AmiGO's golr_timestamp.log has it: kind, version,
// time and file of each source that tells a day.
func (r *Report) Log() string {
	var text strings.Builder
	for _, s := range r.Sources {
		kind, shown := logged[s.Kind]
		if shown && s.Date != "" {
			fmt.Fprintf(&text, "%s\t%s\t%s (00:00)\t%s\n", kind, cmp.Or(s.Version, s.Date), s.Date, s.File)
		}
	}
	return text.String()
}

// Load writes files of documents into dir, in the order in which Solr is to read
// them, and returns their paths. They are JSON, compressed by gzip. More lines
// than may be skipped are a [*SkippedError]. progress is called with how much of the
// annotations' documents is done, in permille.
func Load(ctx context.Context, in Input, dir string, progress func(int64)) (files []string, report *Report, err error) {
	report = &Report{}
	missing, err := lacking(in.Schema)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range missing {
		report.Noted.Add(lines.Place{}, noField, name)
	}
	o, err := ontology.Read(ctx, in.Ontologies, report.Noted.Add)
	if err != nil {
		return nil, nil, err
	}
	report.Sources = o.Sources
	evidence, err := evidenceOf(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	l := &loader{
		ontology: o, closures: newClosures(o, ""), taxa: newClosures(o, groupedTaxa), evidence: newClosures(evidence, groupedEvidence),
		report: report, progress: progress, parents: map[string]string{},
	}
	steps := []struct {
		name string
		fill func(add func(document any) error) error
	}{
		{"terms.json.gz", func(add func(any) error) error { return l.terms(ctx, add) }},
		{"annotations.json.gz", func(add func(any) error) error { return l.annotations(ctx, in, dir, add) }},
	}
	if len(in.Annotations) == 0 {
		steps = steps[:1]
	}
	for _, step := range steps {
		path := filepath.Join(dir, step.name)
		if err := write(path, missing, step.fill); err != nil {
			return nil, nil, err
		}
		files = append(files, path)
	}
	return files, report, nil
}

// loader holds what documents refer to.
type loader struct {
	ontology *ontology.Ontology
	closures *closures // of the terms that annotations are to
	taxa     *closures // of species
	evidence *closures // of terms of evidence
	report   *Report
	progress func(permille int64)
	lines    int               // of annotations that were read
	parents  map[string]string // entities by those that are forms of them
}

// evidenceOf returns the ontology that has terms of evidence.
func evidenceOf(ctx context.Context, o *ontology.Ontology) (*ontology.Ontology, error) {
	if o.Find("ECO:0000000") != nil {
		return o, nil
	}
	return ontology.Parse(ctx, "eco.obo", annotation.ECO, func(lines.Place, string, string) {})
}

// terms adds the documents of the ontologies' terms.
func (l *loader) terms(ctx context.Context, add func(any) error) error {
	for _, t := range l.ontology.Terms() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		document, err := l.term(t)
		if err == nil {
			err = errors.Join(add(document), add(generalTerm(t)))
		}
		if err != nil {
			return fmt.Errorf("making the document of %s: %w", t.ID, err)
		}
		l.report.Terms++
	}
	return nil
}

// annotations adds the documents of annotations and of what they are about.
func (l *loader) annotations(ctx context.Context, in Input, dir string, add func(any) error) error {
	most, err := ParseShare(in.MaxSkipped)
	if err != nil {
		return err
	}
	files, err := inOrder(ctx, in.Annotations)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, "sort-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	read := func(take func(key, record) error) error {
		for _, path := range files {
			source, n, err := annotation.Read(ctx, path, l.report.Skipped.Add, func(r annotation.Record) error { return l.resolve(r, take) })
			if err != nil {
				return err
			}
			l.report.Sources = append(l.report.Sources, source)
			l.lines += n
		}
		return most.check(&l.report.Skipped, l.lines)
	}
	return grouped(ctx, scratch, read, func(id string, g group) error { return l.entity(add, id, g) })
}

// inOrder returns files with those in front that say which entities are forms of
// others.
func inOrder(ctx context.Context, files []string) ([]string, error) {
	var first, then []string
	for _, file := range files {
		describes, err := annotation.DescribesEntities(ctx, file)
		if err != nil {
			return nil, err
		}
		if describes {
			first = append(first, file)
		} else {
			then = append(then, file)
		}
	}
	return append(first, then...), nil
}
