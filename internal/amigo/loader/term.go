package loader

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/ontology"
)

// termDocument describes a term, with the fields of AmiGO's
// metadata/ont-config.yaml.
type termDocument struct {
	Category         string   `json:"document_category"`
	ID               string   `json:"id"`
	Class            string   `json:"annotation_class"`
	ClassLabel       string   `json:"annotation_class_label"`
	Description      string   `json:"description,omitempty"`
	Source           string   `json:"source,omitempty"`
	IDSpace          string   `json:"idspace,omitempty"`
	Obsolete         bool     `json:"is_obsolete"`
	Comment          []string `json:"comment,omitempty"`
	Synonym          []string `json:"synonym,omitempty"`
	AlternateID      []string `json:"alternate_id,omitempty"`
	ReplacedBy       []string `json:"replaced_by,omitempty"`
	Consider         []string `json:"consider,omitempty"`
	Subset           []string `json:"subset,omitempty"`
	DefinitionXref   []string `json:"definition_xref,omitempty"`
	DatabaseXref     []string `json:"database_xref,omitempty"`
	IsA              []string `json:"isa_closure"`
	IsALabel         []string `json:"isa_closure_label"`
	IsAPartOf        []string `json:"isa_partof_closure"`
	IsAPartOfLabel   []string `json:"isa_partof_closure_label"`
	IsAPartOfMap     string   `json:"isa_partof_closure_map"`
	Regulates        []string `json:"regulates_closure"`
	RegulatesLabel   []string `json:"regulates_closure_label"`
	RegulatesMap     string   `json:"regulates_closure_map"`
	Topology         string   `json:"topology_graph_json"`
	IsAPartOfLineage string   `json:"isa_partof_transitivity_graph_json"`
	RegulatesLineage string   `json:"regulates_transitivity_graph_json"`
	Neighbors        string   `json:"neighborhood_graph_json"`
	SomeNeighbors    string   `json:"neighborhood_limited_graph_json"`
}

// someNeighbors is how many edges neighborhood_limited_graph_json has at most.
const someNeighbors = 100

func (l *loader) term(t *ontology.Term) (termDocument, error) {
	space, _, _ := strings.Cut(t.ID, ":")
	d := termDocument{
		Category: "ontology_class", ID: t.ID, Class: t.ID, ClassLabel: t.Label(), Description: t.Definition,
		Source: t.Namespace, IDSpace: space, Obsolete: t.Obsolete, Synonym: t.Synonyms, AlternateID: t.AltIDs,
		ReplacedBy: t.ReplacedBy, Consider: t.Consider, Subset: t.Subsets, DefinitionXref: t.DefXrefs, DatabaseXref: t.Xrefs,
	}
	if t.Comment != "" {
		d.Comment = []string{t.Comment}
	}
	ancestors := l.ontology.Closure(t)
	up := l.closures.over(t, ancestors)
	d.IsA, d.IsALabel = up.isA.ids, up.isA.labels
	d.IsAPartOf, d.IsAPartOfLabel, d.IsAPartOfMap = up.isAPartOf.ids, up.isAPartOf.labels, up.isAPartOf.text
	d.Regulates, d.RegulatesLabel, d.RegulatesMap = up.every.ids, up.every.labels, up.every.text
	for _, drawn := range []struct {
		to    *string
		graph ontology.Graph
	}{
		{&d.Topology, l.ontology.Topology(t)},
		{&d.IsAPartOfLineage, l.ontology.Lineage(t, ancestors, ontology.IsAPartOf)},
		{&d.RegulatesLineage, l.ontology.Lineage(t, ancestors, ontology.AllRelations)},
		{&d.Neighbors, l.ontology.Neighbors(t, 0)},
		{&d.SomeNeighbors, l.ontology.Neighbors(t, someNeighbors)},
	} {
		text, err := json.Marshal(drawn.graph)
		if err != nil {
			return d, fmt.Errorf("writing a graph: %w", err)
		}
		*drawn.to = string(text)
	}
	return d, nil
}

// generalDocument is what a search over everything finds, with the fields of
// AmiGO's metadata/general-config.yaml.
type generalDocument struct {
	Category    string `json:"document_category"`
	ID          string `json:"id"`
	Entity      string `json:"entity"`
	EntityLabel string `json:"entity_label"`
	Kind        string `json:"category"`
	Blob        string `json:"general_blob"`
}

func general(kind, id, label string, words ...string) generalDocument {
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return generalDocument{"general", "general_" + kind + "_" + id, id, label, kind, strings.Join(words, " ")}
}

// generalTerm is found by the number alone, too, with and without zeros in front.
func generalTerm(t *ontology.Term) generalDocument {
	_, number, _ := strings.Cut(t.ID, ":")
	words := []string{number, strings.TrimLeft(number, "0"), t.Definition, t.Comment}
	words = slices.Concat(words, t.Synonyms, t.Subsets, t.AltIDs, t.ReplacedBy, t.Consider)
	return general("ontology_class", t.ID, t.Label(), words...)
}
