package function

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// templateFile renders a file as an HCL template with the given variables.
func templateFile(dir string, functions map[string]function.Function) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		path := args[0].AsString()
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return renderFile(path, args[1], functions)
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String},
			{Name: "vars", Type: cty.DynamicPseudoType},
		},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() || !args[1].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			if t := args[1].Type(); !t.IsObjectType() && !t.IsMapType() {
				return cty.NilType, function.NewArgErrorf(1, "an object of variables is needed, not %s", t.FriendlyName())
			}
			v, err := render(args)
			return v.Type(), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return render(args) },
	})
}

func renderFile(path string, vars cty.Value, functions map[string]function.Function) (cty.Value, error) {
	src, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return cty.DynamicVal, function.NewArgErrorf(0, "reading the template: %w", err)
	}
	expr, diags := hclsyntax.ParseTemplate(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	known := vars.AsValueMap()
	for _, used := range expr.Variables() {
		if _, ok := known[used.RootName()]; !ok {
			return cty.DynamicVal, fmt.Errorf("%s: there is no variable %q; given are %q",
				used.SourceRange(), used.RootName(), slices.Sorted(maps.Keys(known)))
		}
	}
	v, diags := expr.Value(&hcl.EvalContext{Variables: known, Functions: functions})
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return v, nil
}
