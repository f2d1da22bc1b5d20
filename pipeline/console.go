package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Console evaluates expressions as a template's blocks can have them.
type Console struct {
	template *Template
	scope    *scope
}

// Console returns the console of a template. What its data sources give is not known
// there. An error is a [*TemplateError].
func (t *Template) Console() (*Console, error) {
	scope, diags := t.outline()
	if diags.HasErrors() {
		return nil, t.fail(diags)
	}
	return &Console{template: t, scope: scope}, nil
}

// Evaluate returns the value of an expression, as Packer's console prints it. Sensitive
// values are masked. An error is a [*TemplateError].
func (c *Console) Evaluate(text string) (string, error) {
	const name = "<console-input>"
	expression, diags := parseExpression(text, name)
	var value cty.Value
	if !diags.HasErrors() {
		value, diags = expression.Value(c.scope.context())
	}
	if diags.HasErrors() {
		wrong := c.template.fail(diags)
		wrong.files = map[string]*hcl.File{name: {Bytes: []byte(text)}}
		return "", wrong
	}
	if value.Type() == cty.String && value.IsKnown() && !value.IsNull() {
		return c.template.mask.hide(value.AsString()), nil
	}
	var out strings.Builder
	writeValue(&out, value, "")
	return c.template.mask.hide(out.String()), nil
}

// Values returns the names that expressions can refer to, such as "var.name", with their
// values.
func (c *Console) Values() []string {
	var all []string
	for _, root := range []string{"var", "local"} {
		values := c.scope.values[root].AsValueMap()
		for _, name := range slices.Sorted(maps.Keys(values)) {
			var out strings.Builder
			writeValue(&out, values[name], "")
			all = append(all, c.template.mask.hide(root+"."+name+" = "+out.String()))
		}
	}
	return all
}

// writeValue writes a value, an element a line.
func writeValue(out *strings.Builder, v cty.Value, indent string) {
	t := v.Type()
	switch {
	case !v.IsKnown():
		out.WriteString("<unknown>")
	case v.IsNull():
		out.WriteString("null")
	case t == cty.String:
		fmt.Fprintf(out, "%q", v.AsString())
	case t == cty.Number:
		out.WriteString(v.AsBigFloat().Text('f', -1))
	case t == cty.Bool:
		fmt.Fprint(out, v.True())
	case t.IsObjectType() || t.IsMapType():
		writeElements(out, "{", "}", v, indent)
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		writeElements(out, "[", "]", v, indent)
	default:
		fmt.Fprintf(out, "<%s>", t.FriendlyName())
	}
}

func writeElements(out *strings.Builder, begin, end string, v cty.Value, indent string) {
	named := begin == "{"
	out.WriteString(begin)
	inner := indent + "  "
	for at := v.ElementIterator(); at.Next(); {
		key, element := at.Element()
		out.WriteString("\n" + inner)
		if named {
			fmt.Fprintf(out, "%q = ", key.AsString())
		}
		writeValue(out, element, inner)
		if !named {
			out.WriteString(",")
		}
	}
	if v.LengthInt() > 0 {
		out.WriteString("\n" + indent)
	}
	out.WriteString(end)
}
