// Package settings renders an AmiGO instance's conf/amigo.yaml: the defaults
// that the source ships in conf/.initial_values.yaml, what the image needs
// changed, and what the user wants changed.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// Setting is one value of an instance, as conf/.initial_values.yaml describes
// it.
type Setting struct {
	Comment string    `yaml:"comment"`
	Type    string    `yaml:"type"` // "boolean", "integer", "number", "list", "json", or a kind of string
	Value   yaml.Node `yaml:"value"`
}

// Instance is the settings of an AmiGO by name.
type Instance map[string]Setting

// Read reads settings in the format of conf/.initial_values.yaml.
func Read(r io.Reader) (Instance, error) {
	all := Instance{}
	if err := yaml.NewDecoder(r).Decode(&all); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the instance's settings: %w", err)
	}
	if all == nil {
		all = Instance{} // the file says null
	}
	return all, nil
}

// With returns a copy of i in which values replace the settings of the same
// names. Values are checked against their settings' types: "0" or "1" (or
// "true", "false") for a boolean, whitespace between the items of a list, JSON
// text for json. The error tells of every fault.
func (i Instance) With(values map[string]string) (Instance, error) {
	changed := maps.Clone(i)
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		setting, err := i.change(name, values[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		changed[name] = setting
	}
	return changed, errors.Join(faults...)
}

func (i Instance) change(name, value string) (Setting, error) {
	setting, known := i[name]
	if !known {
		return Setting{}, i.unknown(name)
	}
	node, err := parse(setting.Type, value)
	setting.Value = node
	return setting, err
}

// Names returns the settings' names in alphabetical order.
func (i Instance) Names() []string { return slices.Sorted(maps.Keys(i)) }

// Text returns the value of a setting as a string, or "" when it is unknown or
// not a scalar.
func (i Instance) Text(name string) string { return i[name].Value.Value }

// List returns the items of a setting that is a list.
func (i Instance) List(name string) []string {
	var items []string
	for _, item := range i[name].Value.Content {
		items = append(items, item.Value)
	}
	return items
}

// Render returns the instance as conf/amigo.yaml. The same settings give the
// same bytes.
func (i Instance) Render() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("---\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]Setting(i)); err != nil {
		return nil, fmt.Errorf("rendering the instance's settings: %w", err)
	}
	return out.Bytes(), encoder.Close()
}
