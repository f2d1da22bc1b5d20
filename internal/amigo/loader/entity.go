package loader

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/annotation"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// entityFields are what documents of entities and of their annotations share.
type entityFields struct {
	Bioentity        string   `json:"bioentity"`
	Label            string   `json:"bioentity_label"`
	Name             string   `json:"bioentity_name,omitempty"`
	InternalID       string   `json:"bioentity_internal_id"`
	Source           string   `json:"source"`
	Type             string   `json:"type,omitempty"`
	Synonym          []string `json:"synonym,omitempty"`
	Taxon            string   `json:"taxon,omitempty"`
	TaxonLabel       string   `json:"taxon_label,omitempty"`
	TaxonClosure     []string `json:"taxon_closure,omitempty"`
	TaxonLabels      []string `json:"taxon_closure_label,omitempty"`
	TaxonMap         string   `json:"taxon_closure_map,omitempty"`
	TaxonSubset      []string `json:"taxon_subset_closure,omitempty"`
	TaxonSubsetLabel []string `json:"taxon_subset_closure_label,omitempty"`
	TaxonSubsetMap   string   `json:"taxon_subset_closure_map,omitempty"`
}

// termClosures are the terms above one or more others.
type termClosures struct {
	IsAPartOf      []string `json:"isa_partof_closure,omitempty"`
	IsAPartOfLabel []string `json:"isa_partof_closure_label,omitempty"`
	IsAPartOfMap   string   `json:"isa_partof_closure_map,omitempty"`
	Regulates      []string `json:"regulates_closure,omitempty"`
	RegulatesLabel []string `json:"regulates_closure_label,omitempty"`
	RegulatesMap   string   `json:"regulates_closure_map,omitempty"`
}

// entityDocument describes a gene or gene product, with the fields of AmiGO's
// metadata/bio-config.yaml.
type entityDocument struct {
	Category string `json:"document_category"`
	ID       string `json:"id"`
	entityFields
	termClosures
	Direct      []string `json:"annotation_class_list,omitempty"`
	DirectLabel []string `json:"annotation_class_list_label,omitempty"`
	DirectMap   string   `json:"annotation_class_list_map,omitempty"`
}

// annotationDocument describes an annotation, with the fields of AmiGO's
// metadata/ann-config.yaml.
type annotationDocument struct {
	Category string `json:"document_category"`
	ID       string `json:"id"`
	entityFields
	termClosures
	extensionFields
	evidenceFields
	Class      string   `json:"annotation_class"`
	ClassLabel string   `json:"annotation_class_label"`
	Aspect     string   `json:"aspect,omitempty"`
	Qualifier  []string `json:"qualifier,omitempty"`
	Reference  []string `json:"reference"`
	With       []string `json:"evidence_with,omitempty"`
	Date       string   `json:"date"`
	AssignedBy string   `json:"assigned_by"`
	Isoform    string   `json:"bioentity_isoform,omitempty"`
	// The other organism of an annotation that has two.
	OtherTaxon      string `json:"secondary_taxon,omitempty"`
	OtherTaxonLabel string `json:"secondary_taxon_label,omitempty"`
}

// noEntity says that nothing is known of what annotations are about.
const noEntity = "a gene product that no GPI file describes"

// entity adds the documents of a gene product and of its annotations.
func (l *loader) entity(add func(any) error, id string, g group) error {
	e := g.entity
	if e == nil {
		l.report.Noted.Add(lines.Place{}, noEntity, id)
		e = &annotation.Entity{ID: id}
		e.Symbol = e.LocalID()
	}
	fields := l.fields(e)
	var direct, isAPartOf, every closure
	for _, a := range g.annotations {
		up := l.closures.of(a.Term)
		document, err := l.annotation(fields, a, up)
		if err == nil {
			err = add(document)
		}
		if err != nil {
			return fmt.Errorf("making the document of an annotation of %s: %w", id, err)
		}
		if a.Negated {
			continue
		}
		direct.add(a.Term, up.term.Label())
		isAPartOf.addAll(up.isAPartOf)
		every.addAll(up.every)
	}
	l.report.Annotations += len(g.annotations)
	l.report.Entities++
	l.progress(int64(1000 * l.report.Annotations / l.lines))
	document := entityDocument{
		Category: "bioentity", ID: id, entityFields: fields,
		termClosures: termClosures{
			isAPartOf.ids, isAPartOf.labels, isAPartOf.text(), every.ids, every.labels, every.text(),
		},
		Direct: direct.ids, DirectLabel: direct.labels, DirectMap: direct.text(),
	}
	if err := add(document); err != nil {
		return err
	}
	return add(general("bioentity", id, e.Symbol, append([]string{e.Name, e.LocalID()}, e.Synonyms...)...))
}

func (c *closure) addAll(other closedSet) {
	for i, id := range other.ids {
		c.add(id, other.labels[i])
	}
}

// groupedTaxa are the terms of NCBI's taxonomy that AmiGO's filters offer.
const groupedTaxa = "amigo_grouping_subset"

func (l *loader) fields(e *annotation.Entity) entityFields {
	f := entityFields{
		Bioentity: e.ID, Label: e.Symbol, Name: e.Name, InternalID: e.LocalID(), Source: e.DB(), Type: e.Type,
		Synonym: e.Synonyms, Taxon: e.Taxon,
	}
	if e.Taxon == "" {
		return f
	}
	var all, some closure
	f.TaxonLabel = l.taxonLabel(e.Taxon)
	all.add(e.Taxon, f.TaxonLabel)
	if up := l.taxa.of(e.Taxon); up != nil {
		all.addAll(up.isA)
		some.addAll(up.offered)
	}
	some.add(e.Taxon, f.TaxonLabel)
	f.TaxonClosure, f.TaxonLabels, f.TaxonMap = all.ids, all.labels, all.text()
	f.TaxonSubset, f.TaxonSubsetLabel, f.TaxonSubsetMap = some.ids, some.labels, some.text()
	return f
}

func (l *loader) taxonLabel(id string) string {
	if t := l.ontology.Find(id); t != nil {
		return t.Label()
	}
	if name, known := organisms[id]; known {
		return name
	}
	return id
}

// aspects are GAF's letters for GO's three ontologies.
var aspects = map[string]string{"biological_process": "P", "molecular_function": "F", "cellular_component": "C"}

func (l *loader) annotation(fields entityFields, a *annotation.Annotation, up *above) (annotationDocument, error) {
	id, err := identity(a)
	if err != nil {
		return annotationDocument{}, err
	}
	d := annotationDocument{
		Category: "annotation", ID: id, entityFields: fields,
		termClosures: termClosures{
			up.isAPartOf.ids, up.isAPartOf.labels, up.isAPartOf.text, up.every.ids, up.every.labels, up.every.text,
		},
		Class: a.Term, ClassLabel: up.term.Label(), Aspect: cmp.Or(aspects[up.term.Namespace], a.Aspect),
		Reference: a.References, With: a.With, Date: a.Date, AssignedBy: a.AssignedBy, Isoform: a.Isoform,
	}
	if a.Negated {
		d.Qualifier = append(d.Qualifier, "not")
	}
	d.Qualifier = append(d.Qualifier, a.Relations...)
	if a.OtherTaxon != "" {
		d.OtherTaxon, d.OtherTaxonLabel = a.OtherTaxon, l.taxonLabel(a.OtherTaxon)
	}
	d.evidenceFields = l.evidenceFields(a.Evidence)
	d.extensionFields, err = l.extension(a.Extension)
	return d, err
}

// identity is the same for the same annotation, whatever file it is from.
func identity(a *annotation.Annotation) (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("taking the digest of an annotation: %w", err)
	}
	sum := sha256.Sum256(text)
	return strings.Join([]string{a.Entity, a.Term, hex.EncodeToString(sum[:12])}, "_"), nil
}

// evidenceFields are those about evidence.
type evidenceFields struct {
	Code        string   `json:"evidence_type,omitempty"`
	CodeClosure []string `json:"evidence_type_closure,omitempty"`
	Evidence    string   `json:"evidence"`
	Label       string   `json:"evidence_label,omitempty"`
	Closure     []string `json:"evidence_closure,omitempty"`
	Labels      []string `json:"evidence_closure_label,omitempty"`
	Map         string   `json:"evidence_closure_map,omitempty"`
	Subset      []string `json:"evidence_subset_closure,omitempty"`
	SubsetLabel []string `json:"evidence_subset_closure_label,omitempty"`
	SubsetMap   string   `json:"evidence_subset_closure_map,omitempty"`
}

// groupedEvidence are the terms of evidence that AmiGO's filters offer.
const groupedEvidence = "go_groupings"

func (l *loader) evidenceFields(e annotation.Evidence) evidenceFields {
	f := evidenceFields{Code: e.Code, Evidence: e.ECO}
	up := l.evidence.of(e.ECO)
	if up == nil {
		return f
	}
	f.Label, f.CodeClosure = up.term.Label(), up.isA.labels
	f.Closure, f.Labels, f.Map = up.isA.ids, up.isA.labels, up.isA.text
	f.Subset, f.SubsetLabel, f.SubsetMap = up.offered.ids, up.offered.labels, up.offered.text
	return f
}
