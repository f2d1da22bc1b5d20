package pipeline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	functions "github.com/geneontology/packer-plugin-amigo/pipeline/function"
)

// scope is what an expression can see.
type scope struct {
	functions map[string]function.Function
	values    map[string]cty.Value
}

// newScope returns the scope that every expression of a template has.
func newScope(root string) *scope {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	return &scope{
		functions: functions.All(root),
		values: map[string]cty.Value{
			"path": cty.ObjectVal(map[string]cty.Value{
				"root": cty.StringVal(filepath.ToSlash(root)),
				"cwd":  cty.StringVal(filepath.ToSlash(cwd)),
			}),
			"packer": cty.ObjectVal(map[string]cty.Value{
				"version": cty.StringVal(CompatibleVersion),
			}),
		},
	}
}

// with returns s with one more name.
func (s *scope) with(name string, value cty.Value) *scope {
	values := maps.Clone(s.values)
	values[name] = value
	return &scope{functions: s.functions, values: values}
}

func (s *scope) context() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: s.values, Functions: s.functions}
}

// hinted returns a diagnostic about an attribute that does not exist with the
// nearest known name, which HCL itself gives for blocks and arguments only.
func hinted(d hcl.Diagnostic) *hcl.Diagnostic {
	if d.Expression == nil || d.EvalContext == nil || d.Summary != "Unsupported attribute" {
		return &d
	}
	for _, traversal := range d.Expression.Variables() {
		root, ok := d.EvalContext.Variables[traversal.RootName()]
		if !ok || !root.Type().IsObjectType() {
			continue
		}
		name, ok := attributeOf(traversal, traversal.RootName())
		if ok && !root.Type().HasAttribute(name) {
			known := slices.Sorted(maps.Keys(root.Type().AttributeTypes()))
			d.Detail = "There is no " + traversal.RootName() + "." + name + ". " + suggest(name, known)
			subject := traversal.SourceRange()
			d.Subject = &subject
		}
	}
	return &d
}
