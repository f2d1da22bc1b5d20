package pipeline

import (
	goversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// checkRequirements reads the packer blocks: required_version must hold for
// [CompatibleVersion]. required_plugins is checked for its form alone, since
// the components are in the [Registry] already.
func checkRequirements(s *sources) hcl.Diagnostics {
	blocks, diags := s.blocks("packer")
	for _, block := range blocks {
		content, more := block.Body.Content(&hcl.BodySchema{
			Attributes: []hcl.AttributeSchema{{Name: "required_version"}},
			Blocks:     []hcl.BlockHeaderSchema{{Type: "required_plugins"}},
		})
		diags = append(diags, more...)
		if attr, ok := content.Attributes["required_version"]; ok {
			diags = append(diags, checkVersion(attr)...)
		}
		for _, plugins := range content.Blocks {
			diags = append(diags, checkPlugins(plugins)...)
		}
	}
	return diags
}

func checkVersion(attr *hcl.Attribute) hcl.Diagnostics {
	constraints, diags := versionConstraint(attr)
	if diags.HasErrors() {
		return diags
	}
	if !constraints.Check(goversion.Must(goversion.NewVersion(CompatibleVersion))) {
		diags = append(diags, errorAt(attr.Expr.Range(), "Unsupported Packer version",
			"The template asks for Packer %s; this program understands the templates of Packer %s.",
			constraints, CompatibleVersion))
	}
	return diags
}

func versionConstraint(attr *hcl.Attribute) (goversion.Constraints, hcl.Diagnostics) {
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return nil, diags
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil || text.IsNull() || !text.IsKnown() {
		return nil, hcl.Diagnostics{errorAt(attr.Expr.Range(), "Invalid version constraint", "A string is needed, such as \">= 1.11.0\".")}
	}
	constraints, err := goversion.NewConstraint(text.AsString())
	if err != nil {
		return nil, hcl.Diagnostics{errorAt(attr.Expr.Range(), "Invalid version constraint", "%v.", err)}
	}
	return constraints, nil
}

func checkPlugins(block *hcl.Block) hcl.Diagnostics {
	attrs, diags := block.Body.JustAttributes()
	for _, attr := range attrs {
		value, more := attr.Expr.Value(nil)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		for _, key := range []string{"source", "version"} {
			if t := value.Type(); !t.IsObjectType() || !t.HasAttribute(key) || t.AttributeType(key) != cty.String {
				diags = append(diags, errorAt(attr.Expr.Range(), "Invalid required_plugins",
					"Plugin %q needs an object with the strings source and version.", attr.Name))
				break
			}
		}
	}
	return diags
}
