package pipeline

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
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
				diags = append(diags, errorAt(found[name].declared, "Duplicate local definition",
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
