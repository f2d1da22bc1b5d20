package function

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/pipeline/internal/nesting"
)

// templateParams are the parameters of templatefile.
var templateParams = []function.Parameter{
	{Name: "path", Type: cty.String},
	{Name: "vars", Type: cty.DynamicPseudoType},
}

// notInside takes the place of templatefile in a template that is rendered from
// a file, which could name itself.
var notInside = function.New(&function.Spec{
	Params: templateParams,
	Type: func([]cty.Value) (cty.Type, error) {
		return cty.NilType, errors.New("a file that templatefile renders cannot call templatefile")
	},
})

// templateFile renders a file as an HCL template with the given variables.
func templateFile(dir string, functions map[string]function.Function) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		path, err := resolve(dir, args[0])
		if err != nil {
			return cty.DynamicVal, function.NewArgError(0, err)
		}
		return renderFile(path, args[1], functions)
	}
	return function.New(&function.Spec{
		Params: templateParams,
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
	if !utf8.Valid(src) {
		return cty.DynamicVal, function.NewArgErrorf(0, "%s is not text in UTF-8", path)
	}
	if diags := nesting.CheckTemplate(src, path); diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	expr, diags := hclsyntax.ParseTemplate(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	known := vars.AsValueMap()
	if err := checkNames(known, expr.Variables()); err != nil {
		return cty.DynamicVal, err
	}
	v, diags := expr.Value(&hcl.EvalContext{Variables: known, Functions: functions})
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return v, nil
}

// checkNames returns an error if a template cannot name a variable that it is
// given, or names one that it is not given.
func checkNames(known map[string]cty.Value, used []hcl.Traversal) error {
	for name := range known {
		if !hclsyntax.ValidIdentifier(name) {
			return function.NewArgErrorf(1, "%q cannot be the name of a variable", name)
		}
	}
	for _, u := range used {
		if _, ok := known[u.RootName()]; !ok {
			return fmt.Errorf("%s: there is no variable %q; given are %q",
				u.SourceRange(), u.RootName(), slices.Sorted(maps.Keys(known)))
		}
	}
	return nil
}
