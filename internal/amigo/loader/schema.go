package loader

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// documentTypes are all that documents are made of.
var documentTypes = []any{termDocument{}, entityDocument{}, annotationDocument{}, generalDocument{}}

// needed are fields without which no document can be found.
var needed = []string{"id", "document_category"}

// schemaFile is the part of Solr's schema.xml that is about fields.
type schemaFile struct {
	Fields []struct {
		Name string `xml:"name,attr"`
	} `xml:"fields>field"`
	Dynamic []struct {
		Name string `xml:"name,attr"`
	} `xml:"fields>dynamicField"`
}

func (s schemaFile) has(name string) bool {
	for _, f := range s.Fields {
		if f.Name == name {
			return true
		}
	}
	for _, f := range s.Dynamic {
		if match, err := path.Match(f.Name, name); err == nil && match {
			return true
		}
	}
	return false
}

// lacking returns the fields of documents that the schema at path does not have, in
// order. Solr would refuse them.
func lacking(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return nil, err
	}
	var schema schemaFile
	if err := xml.Unmarshal(text, &schema); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	for _, name := range needed {
		if !schema.has(name) {
			return nil, fmt.Errorf("%s is not a schema of AmiGO's: it has no field %s", path, name)
		}
	}
	var missing []string
	for _, document := range documentTypes {
		for _, name := range fieldsOf(reflect.TypeOf(document)) {
			if !schema.has(name) && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	return missing, nil
}

// fieldsOf returns the names in JSON of what a document of this type has.
func fieldsOf(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, fieldsOf(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// without returns a document as JSON without some of its fields.
func without(document any, missing []string) (any, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, name := range missing {
		delete(fields, name)
	}
	return fields, nil
}

// noField says that the schema of this AmiGO is another than the one that documents
// are made for.
const noField = "a field that the schema of this AmiGO does not have"
