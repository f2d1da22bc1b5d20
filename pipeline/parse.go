package pipeline

import (
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/geneontology/packer-plugin-amigo/pipeline/internal/nesting"
)

// parseText parses HCL, or JSON if the name ends so, that anybody may have written.
func parseText(parser *hclparse.Parser, text []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if !utf8.Valid(text) {
		start := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		return nil, hcl.Diagnostics{errorAt(start, "Invalid character encoding", "%s is not text in UTF-8.", name)}
	}
	if strings.HasSuffix(name, ".json") {
		if diags := nesting.CheckJSON(text, name); diags.HasErrors() {
			return nil, diags
		}
		return parser.ParseJSON(text, name)
	}
	if diags := nesting.Check(text, name); diags.HasErrors() {
		return nil, diags
	}
	return parser.ParseHCL(text, name)
}

// parseExpression parses an expression that anybody may have written.
func parseExpression(text, name string) (hclsyntax.Expression, hcl.Diagnostics) {
	if diags := nesting.Check([]byte(text), name); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
}
