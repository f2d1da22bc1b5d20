package pipeline

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Component is a component as a template names it.
type Component struct {
	Kind string `json:"kind"` // "source", "provisioner", "error-cleanup-provisioner", "post-processor" or "data source"
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	// Chain is the number of a post-processor's chain, from 1. Chains begin with what
	// the builder made; within one, each gets what the one before it made.
	Chain int `json:"chain,omitempty"`
}

// String is what a person calls the component: "provisioner shell (packages)".
func (c Component) String() string {
	if c.Name == "" || c.Name == c.Type {
		return fmt.Sprintf("%s %s", c.Kind, c.Type)
	}
	return fmt.Sprintf("%s %s (%s)", c.Kind, c.Type, c.Name)
}

// Components returns the components of a build in the order in which they run. An
// error-cleanup-provisioner runs only when the build fails.
func (b *Build) Components() []Component {
	all := []Component{b.builder.describe()}
	for _, c := range b.provisioners {
		all = append(all, c.describe())
	}
	if b.cleanup != nil {
		cleanup := b.cleanup.describe()
		cleanup.Kind = "error-cleanup-provisioner"
		all = append(all, cleanup)
	}
	for i, chain := range b.chains {
		for _, c := range chain {
			one := c.describe()
			one.Chain = i + 1
			all = append(all, one)
		}
	}
	return all
}

func (c *component) describe() Component {
	return Component{Kind: string(c.block.kind), Type: c.block.typ, Name: c.block.name}
}

func (c *component) String() string { return c.describe().String() }

// Variable is what a person wants to know of an input variable. Addresses in values are
// as anybody may see them, and a sensitive value is "<sensitive>".
type Variable struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type"`
	Default     string `json:"default,omitempty"`
	Required    bool   `json:"required"` // it has no default
	Sensitive   bool   `json:"sensitive"`
	Value       string `json:"value"`
}

// Variables returns the template's input variables by name.
func (t *Template) Variables() []Variable {
	all := []Variable{}
	for _, name := range t.variables.names() {
		v := t.variables[name]
		all = append(all, Variable{
			Name: name, Description: v.description, Type: v.typ.FriendlyName(), Sensitive: v.sensitive,
			Default: v.show(v.fallback), Required: v.fallback == cty.NilVal, Value: v.show(v.value),
		})
	}
	return all
}

// show returns a value as the template would have it, or that it is secret.
func (v *variable) show(value cty.Value) string {
	switch {
	case value == cty.NilVal:
		return ""
	case v.sensitive:
		return masked
	case value.Type() == cty.String && !value.IsNull() && value.IsKnown():
		return address.ShownIn(value.AsString())
	default:
		return address.ShownIn(compact(value))
	}
}

// Locals returns the names of the template's locals.
func (t *Template) Locals() []string {
	return append([]string{}, slices.Sorted(maps.Keys(t.locals))...)
}

// DataSources returns the template's data sources by type and name.
func (t *Template) DataSources() []Component {
	all := []Component{}
	for _, ref := range slices.Sorted(maps.Keys(t.data)) {
		all = append(all, Component{Kind: string(kindDataSource), Type: t.data[ref].typ, Name: t.data[ref].name})
	}
	return all
}

// Sources returns the template's sources by type and name, those that no build uses
// included.
func (t *Template) Sources() []Component {
	all := []Component{}
	for _, ref := range slices.Sorted(maps.Keys(t.sources)) {
		all = append(all, Component{Kind: string(kindBuilder), Type: t.sources[ref].typ, Name: t.sources[ref].name})
	}
	return all
}
