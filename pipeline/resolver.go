package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// resolver evaluates locals and data sources, each after those that it refers to.
type resolver struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call
	template *Template
	registry Registry
	used     map[string]bool // which data sources are executed

	locals map[string]cty.Value
	data   map[string]cty.Value // by data.TYPE.NAME
	stack  []string             // being evaluated
	diags  hcl.Diagnostics
}

// resolve returns the scope with the objects local and data.
func (t *Template) resolve(ctx context.Context, registry Registry, used map[string]bool) (*scope, hcl.Diagnostics) {
	r := &resolver{
		ctx: ctx, template: t, registry: registry, used: used,
		locals: map[string]cty.Value{}, data: map[string]cty.Value{},
	}
	for _, name := range slices.Sorted(maps.Keys(t.locals)) {
		r.resolveLocal(name)
	}
	for _, ref := range slices.Sorted(maps.Keys(t.data)) {
		r.resolveData(ref)
	}
	return r.visible(), r.diags
}

// outline returns the scope with the objects local and data, in which no data source has
// a value.
func (t *Template) outline() (*scope, hcl.Diagnostics) {
	r := &resolver{template: t, locals: map[string]cty.Value{}, data: map[string]cty.Value{}}
	for ref := range t.data {
		r.data[ref] = cty.DynamicVal
	}
	for _, name := range slices.Sorted(maps.Keys(t.locals)) {
		r.resolveLocal(name)
	}
	return r.visible(), r.diags
}

// follow evaluates what an expression or a block refers to. A name that does not exist
// is an error of the expression.
func (r *resolver) follow(used []hcl.Traversal) {
	for _, traversal := range used {
		if name, ok := attributeOf(traversal, "local"); ok {
			r.resolveLocal(name)
		}
		if ref := dataRef(traversal); ref != "" {
			r.resolveData(ref)
		}
	}
}

func (r *resolver) resolveLocal(name string) {
	l, exists := r.template.locals[name]
	if _, done := r.locals[name]; done || !exists {
		return
	}
	if r.enter("local."+name, l.declared) {
		used := l.expr.Variables()
		r.follow(used)
		value, diags := l.expr.Value(r.visibleTo(used).context())
		r.diags = append(r.diags, diags...)
		if l.sensitive {
			r.template.mask.add(value)
		}
		r.leave()
		r.locals[name] = value
	}
}

func (r *resolver) resolveData(ref string) {
	d, exists := r.template.data[ref]
	if _, done := r.data[ref]; done || !exists {
		return
	}
	if r.enter(ref, d.declared) {
		value, diags := r.read(d)
		r.leave()
		r.data[ref], r.diags = value, append(r.diags, diags...)
	}
}

// enter notes what is evaluated now, unless it is so already: then its value depends on
// itself.
func (r *resolver) enter(what string, declared hcl.Range) bool {
	if at := slices.Index(r.stack, what); at >= 0 {
		chain := append(slices.Clone(r.stack[at:]), what)
		r.diags = append(r.diags, errorAt(declared, "Circular dependency",
			"The value depends on itself: %s.", strings.Join(chain, " -> ")))
		return false
	}
	r.stack = append(r.stack, what)
	return true
}

func (r *resolver) leave() { r.stack = r.stack[:len(r.stack)-1] }

// visibleTo is [resolver.visible], with no more locals than an expression refers to: a
// template may have thousands. One that does not exist is to be told beside those that do.
func (r *resolver) visibleTo(used []hcl.Traversal) *scope {
	locals := map[string]cty.Value{}
	for _, traversal := range used {
		switch traversal.RootName() {
		case "local":
			name, named := attributeOf(traversal, "local")
			value, done := r.locals[name]
			if !named || !done {
				return r.visible()
			}
			locals[name] = value
		case "data":
			return r.visible()
		}
	}
	return r.template.scope.with("local", cty.ObjectVal(locals))
}

// visible is the scope with what is evaluated so far. The rest has unknown values.
func (r *resolver) visible() *scope {
	locals := maps.Clone(r.locals)
	for name := range r.template.locals {
		if _, ok := locals[name]; !ok {
			locals[name] = cty.DynamicVal
		}
	}
	s := r.template.scope.with("local", cty.ObjectVal(locals))
	if len(r.template.data) == 0 {
		return s
	}
	byType := map[string]map[string]cty.Value{}
	for ref, d := range r.template.data {
		if byType[d.typ] == nil {
			byType[d.typ] = map[string]cty.Value{}
		}
		value, ok := r.data[ref]
		if !ok {
			value = cty.DynamicVal
		}
		byType[d.typ][d.name] = value
	}
	types := map[string]cty.Value{}
	for typ, values := range byType {
		types[typ] = cty.ObjectVal(values)
	}
	return s.with("data", cty.ObjectVal(types))
}
