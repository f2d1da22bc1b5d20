package pipeline

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// variable is a declared input variable.
type variable struct {
	name        string
	description string
	declared    hcl.Range
	typ         cty.Type // DynamicPseudoType: any
	untyped     bool     // a text for it is its value, and no expression
	defaults    *typeexpr.Defaults
	sensitive   bool
	validations []validation

	fallback cty.Value // NilVal: there is no default
	value    cty.Value // NilVal: not set
	origin   hcl.Range // what gave the value
}

type validation struct {
	condition hcl.Expression
	message   hcl.Expression
	declared  hcl.Range
}

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
}

var validationSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}},
}

// variables are a template's input variables by name.
type variables map[string]*variable

func (v variables) names() []string { return slices.Sorted(maps.Keys(v)) }

// declare reads every variable and variables block.
func declare(s *sources, functions map[string]function.Function) (variables, hcl.Diagnostics) {
	blocks, diags := s.blocks("variable", "variables")
	ctx := &hcl.EvalContext{Functions: functions}
	declared := variables{}
	for _, block := range blocks {
		var found []*variable
		var more hcl.Diagnostics
		if block.Type == "variable" {
			found, more = readVariable(block, ctx)
		} else {
			found, more = readVariables(block, ctx)
		}
		diags = append(diags, more...)
		for _, v := range found {
			diags = append(diags, declared.add(v)...)
		}
	}
	return declared, diags
}

func (v variables) add(n *variable) hcl.Diagnostics {
	if old, ok := v[n.name]; ok {
		return hcl.Diagnostics{errorAt(n.declared, "Duplicate variable",
			"Variable %q is declared already, at %s.", n.name, old.declared)}
	}
	v[n.name] = n
	return nil
}

// readVariables reads the short form, name = default.
func readVariables(block *hcl.Block, ctx *hcl.EvalContext) ([]*variable, hcl.Diagnostics) {
	attrs, diags := block.Body.JustAttributes()
	var found []*variable
	for _, attr := range attrs {
		value, more := attr.Expr.Value(ctx)
		diags = append(diags, more...)
		found = append(found, &variable{
			name: attr.Name, declared: attr.Range, typ: typeOf(value), fallback: value, value: value, origin: attr.Range,
		})
	}
	return found, diags
}

func readVariable(block *hcl.Block, ctx *hcl.EvalContext) ([]*variable, hcl.Diagnostics) {
	v := &variable{name: block.Labels[0], declared: block.DefRange, typ: cty.DynamicPseudoType}
	content, diags := block.Body.Content(variableSchema)
	if !hclsyntax.ValidIdentifier(v.name) {
		diags = append(diags, errorAt(block.LabelRanges[0], "Invalid variable name", "%q is not a valid variable name.", v.name))
	}
	attrs := content.Attributes
	var faults [2]hcl.Diagnostics
	v.description, faults[0] = readText(attrs["description"], "")
	v.sensitive, faults[1] = readBool(attrs["sensitive"])
	diags = slices.Concat(diags, faults[0], faults[1])
	v.untyped = attrs["type"] == nil && attrs["default"] == nil
	if attr, ok := attrs["type"]; ok {
		var more hcl.Diagnostics
		v.typ, v.defaults, more = typeexpr.TypeConstraintWithDefaults(attr.Expr)
		diags = append(diags, more...)
	}
	if attr, ok := attrs["default"]; ok {
		diags = append(diags, v.setDefault(attr, ctx, attrs["type"] != nil)...)
	}
	for _, b := range content.Blocks {
		check, more := readValidation(b, v.name)
		diags = append(diags, more...)
		v.validations = append(v.validations, check)
	}
	return []*variable{v}, diags
}

func (v *variable) setDefault(attr *hcl.Attribute, ctx *hcl.EvalContext, typed bool) hcl.Diagnostics {
	value, diags := attr.Expr.Value(ctx)
	if diags.HasErrors() {
		return diags
	}
	if !typed {
		v.typ = typeOf(value)
	}
	diags = append(diags, v.set(value, attr.Expr.Range())...)
	v.fallback = v.value
	return diags
}

// typeOf is the type of a variable with a default and no type. That of a list says how
// many elements it has, which the variable may change.
func typeOf(value cty.Value) cty.Type {
	if t := value.Type(); t.IsPrimitiveType() {
		return t
	}
	return cty.DynamicPseudoType
}

// set gives v a value, converted to its type.
func (v *variable) set(value cty.Value, origin hcl.Range) hcl.Diagnostics {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		return hcl.Diagnostics{errorAt(origin, "Invalid value for variable",
			"Variable %q is of type %s: %v.", v.name, typeexpr.TypeString(v.typ), err)}
	}
	v.value, v.origin = converted, origin
	return nil
}

func readValidation(block *hcl.Block, name string) (validation, hcl.Diagnostics) {
	content, diags := block.Body.Content(validationSchema)
	check := validation{declared: block.DefRange}
	if diags.HasErrors() {
		return check, diags
	}
	check.condition = content.Attributes["condition"].Expr
	check.message = content.Attributes["error_message"].Expr
	for _, used := range check.condition.Variables() {
		if step, ok := attributeOf(used, "var"); !ok || step != name {
			diags = append(diags, errorAt(used.SourceRange(), "Invalid reference in variable validation",
				"The condition of variable %q may refer to var.%s alone.", name, name))
		}
	}
	return check, diags
}

// check applies v's own validations to its value.
func (v *variable) check(functions map[string]function.Function) hcl.Diagnostics {
	ctx := &hcl.EvalContext{
		Functions: functions,
		Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.name: v.value})},
	}
	var diags hcl.Diagnostics
	for _, c := range v.validations {
		if c.condition == nil {
			continue
		}
		result, more := c.condition.Value(ctx)
		diags = append(diags, more...)
		if more.HasErrors() || !result.IsKnown() {
			continue
		}
		holds, err := convert.Convert(result, cty.Bool)
		if err != nil || holds.IsNull() {
			diags = append(diags, errorAt(c.condition.Range(), "Invalid condition", "The condition of a validation must be true or false."))
		} else if holds.False() {
			diags = append(diags, c.broken(v, ctx))
		}
	}
	return diags
}

func (c validation) broken(v *variable, ctx *hcl.EvalContext) *hcl.Diagnostic {
	message := "The value is not valid."
	if text, diags := c.message.Value(ctx); !diags.HasErrors() && text.Type() == cty.String && text.IsWhollyKnown() && !text.IsNull() {
		message = sentence(text.AsString())
	}
	return errorAt(v.origin, "Invalid value for variable", "%s: %s (the rule is at %s)", v.name, message, c.declared)
}

func sentence(text string) string {
	if r := []rune(text); len(r) > 0 && !unicode.IsPunct(r[len(r)-1]) {
		return text + "."
	}
	return strings.TrimSpace(text)
}

// readText returns the constant text of an optional attribute, or fallback.
func readText(attr *hcl.Attribute, fallback string) (string, hcl.Diagnostics) {
	value, diags := literal(attr, cty.String)
	if value == cty.NilVal {
		return fallback, diags
	}
	return value.AsString(), diags
}

// readBool returns the constant of an optional attribute, or false.
func readBool(attr *hcl.Attribute) (bool, hcl.Diagnostics) {
	value, diags := literal(attr, cty.Bool)
	return value != cty.NilVal && value.True(), diags
}

// literal returns the constant of an optional attribute, or NilVal.
func literal(attr *hcl.Attribute, t cty.Type) (cty.Value, hcl.Diagnostics) {
	if attr == nil {
		return cty.NilVal, nil
	}
	return evaluate(attr, t, nil)
}

// evaluate returns an attribute's value of a type, or NilVal. What depends on a data source
// that is not executed is not known, and no fault.
func evaluate(attr *hcl.Attribute, t cty.Type, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	value, diags := attr.Expr.Value(ctx)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	converted, err := convert.Convert(value, t)
	if err != nil || converted.IsNull() {
		return cty.NilVal, append(diags, errorAt(attr.Expr.Range(), "Invalid value", "%s must be a %s.", attr.Name, t.FriendlyName()))
	}
	if !converted.IsWhollyKnown() {
		return cty.NilVal, diags
	}
	return converted, diags
}

// attributeOf returns x of the traversal root.x.
func attributeOf(traversal hcl.Traversal, root string) (string, bool) {
	if traversal.RootName() != root || len(traversal) < 2 {
		return "", false
	}
	switch step := traversal[1].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString(), true
		}
	}
	return "", false
}
