package pipeline

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// local is a named expression of a template.
type local struct {
	expr      hcl.Expression
	declared  hcl.Range
	sensitive bool
}

var localSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "expression", Required: true}, {Name: "sensitive"}},
}

// readLocals reads every local and locals block.
func readLocals(s *sources) (map[string]local, hcl.Diagnostics) {
	blocks, diags := s.blocks("local", "locals")
	all := map[string]local{}
	for _, block := range blocks {
		found, more := readLocalBlock(block)
		diags = append(diags, more...)
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if old, ok := all[name]; ok {
				diags = append(diags, errorAt(found[name].declared, "Duplicate local",
					"Local %q is declared already, at %s.", name, old.declared))
			}
			all[name] = found[name]
		}
	}
	return all, diags
}

func readLocalBlock(block *hcl.Block) (map[string]local, hcl.Diagnostics) {
	found := map[string]local{}
	if block.Type == "locals" {
		attrs, diags := block.Body.JustAttributes()
		for name, attr := range attrs {
			found[name] = local{expr: attr.Expr, declared: attr.Range}
		}
		return found, diags
	}
	content, diags := block.Body.Content(localSchema)
	if diags.HasErrors() {
		return nil, diags
	}
	sensitive, more := readBool(content.Attributes["sensitive"])
	found[block.Labels[0]] = local{expr: content.Attributes["expression"].Expr, declared: block.DefRange, sensitive: sensitive}
	return found, append(diags, more...)
}

// resolver evaluates locals, each after those that it refers to.
type resolver struct {
	all    map[string]local
	scope  *scope
	mask   *mask
	values map[string]cty.Value
	stack  []string // being evaluated
	diags  hcl.Diagnostics
}

// resolveLocals returns the object local.
func resolveLocals(all map[string]local, s *scope, m *mask) (cty.Value, hcl.Diagnostics) {
	r := &resolver{all: all, scope: s, mask: m, values: map[string]cty.Value{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r.resolve(name)
	}
	return cty.ObjectVal(r.values), r.diags
}

func (r *resolver) resolve(name string) {
	l, exists := r.all[name]
	if _, done := r.values[name]; done || !exists {
		return // a name that does not exist is an error of the expression
	}
	if slices.Contains(r.stack, name) {
		r.diags = append(r.diags, errorAt(l.declared, "Circular locals",
			"The value depends on itself: %s.", strings.Join(append(r.stack, name), " -> ")))
		r.values[name] = cty.DynamicVal
		return
	}
	r.stack = append(r.stack, name)
	for _, used := range l.expr.Variables() {
		if other, ok := attributeOf(used, "local"); ok {
			r.resolve(other)
		}
	}
	r.stack = r.stack[:len(r.stack)-1]
	if _, broken := r.values[name]; !broken {
		r.values[name] = r.evaluate(l)
	}
}

func (r *resolver) evaluate(l local) cty.Value {
	visible := maps.Clone(r.values)
	for name := range r.all {
		if _, ok := visible[name]; !ok {
			visible[name] = cty.DynamicVal
		}
	}
	value, diags := l.expr.Value(r.scope.with("local", cty.ObjectVal(visible)).context())
	r.diags = append(r.diags, diags...)
	if l.sensitive {
		r.mask.add(value)
	}
	return value
}
