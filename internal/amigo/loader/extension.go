package loader

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/ontology"
)

// extensionFields are those of what is said of an annotation's term besides, such as in
// which cells.
type extensionFields struct {
	Class        []string `json:"annotation_extension_class,omitempty"`
	ClassLabel   []string `json:"annotation_extension_class_label,omitempty"`
	Closure      []string `json:"annotation_extension_class_closure,omitempty"`
	ClosureLabel []string `json:"annotation_extension_class_closure_label,omitempty"`
	ClosureMap   string   `json:"annotation_extension_class_closure_map,omitempty"`
	JSON         []string `json:"annotation_extension_json,omitempty"`
}

// expression is "occurs_in(CL:0000136)".
var expression = regexp.MustCompile(`^([A-Za-z0-9_:]+)\(([^()\s]+)\)$`)

// noExtension says that a part of an annotation's extension is not an [expression].
const noExtension = "a part of an extension that is not like occurs_in(CL:0000136)"

// relationship is how AmiGO takes an expression.
type relationship struct {
	Relationship struct {
		Relation []named `json:"relation"`
		named
	} `json:"relationship"`
}

type named struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

func (l *loader) extension(text string) (f extensionFields, err error) {
	var all closure
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == '|' || c == ',' }) {
		found := expression.FindStringSubmatch(strings.TrimSpace(part))
		if found == nil {
			l.report.Noted.Add(lines.Place{}, noExtension, part)
			continue
		}
		relation, id := l.relation(found[1]), found[2]
		label := id
		if up := l.closures.of(id); up != nil {
			label = up.term.Label()
			all.addAll(up.isAPartOf)
		}
		f.Class, f.ClassLabel = append(f.Class, id), append(f.ClassLabel, label)
		var said relationship
		said.Relationship.Relation, said.Relationship.named = []named{{relation.ID, relation.Name}}, named{id, label}
		written, err := json.Marshal(said)
		if err != nil {
			return f, err
		}
		f.JSON = append(f.JSON, string(written))
	}
	f.Closure, f.ClosureLabel, f.ClosureMap = all.ids, all.labels, all.text()
	return f, nil
}

func (l *loader) relation(id string) ontology.Relation {
	if r, known := l.ontology.FindRelation(id); known {
		return r
	}
	return ontology.Relation{ID: id, Name: id}
}
