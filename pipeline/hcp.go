package pipeline

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

const hcpBlock = "hcp_packer_registry"

// bucketName is how HCP's buckets may be named.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9-]{3,36}$`)

// longestDescription is how long HCP's descriptions may be, in characters.
const longestDescription = 255

// checkHCP checks the blocks hcp_packer_registry of one place, a build or the top of a
// template. HashiCorp's registry is not written to, and a person is told.
func checkHCP(blocks hcl.Blocks, ctx *hcl.EvalContext) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i, block := range blocks {
		if i > 0 {
			diags = append(diags, errorAt(block.DefRange, "Only one hcp_packer_registry is allowed", "There is one already, at %s.", blocks[0].DefRange))
		}
		diags = append(diags, ignored(block))
		content, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "bucket_name"}, {Name: "description"}}})
		diags = append(diags, checkHCPText(content.Attributes["bucket_name"], ctx, "3 to 36 letters, digits and dashes", bucketName.MatchString)...)
		diags = append(diags, checkHCPText(content.Attributes["description"], ctx, "at most 255 characters", func(text string) bool {
			return len([]rune(text)) <= longestDescription
		})...)
	}
	return diags
}

func checkHCPText(attr *hcl.Attribute, ctx *hcl.EvalContext, rule string, good func(string) bool) hcl.Diagnostics {
	if attr == nil {
		return nil
	}
	value, diags := evaluate(attr, cty.String, ctx)
	if value != cty.NilVal && !good(value.AsString()) {
		diags = append(diags, errorAt(attr.Expr.Range(), "Invalid "+hcpBlock, "%s must have %s.", attr.Name, rule))
	}
	return diags
}
