package pipeline

import (
	"encoding/json"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// deepest is how many brackets and operators may be within one another. The parser is
// recursive, and a hundred thousand would end the program.
const deepest = 2000

// parseText parses HCL, or JSON if the name ends so, that anybody may have written.
func parseText(parser *hclparse.Parser, text []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if strings.HasSuffix(name, ".json") {
		if diags := checkJSONNesting(text, name); diags.HasErrors() {
			return nil, diags
		}
		return parser.ParseJSON(text, name)
	}
	if diags := checkNesting(text, name); diags.HasErrors() {
		return nil, diags
	}
	return parser.ParseHCL(text, name)
}

// parseExpression parses an expression that anybody may have written.
func parseExpression(text, name string) (hclsyntax.Expression, hcl.Diagnostics) {
	if diags := checkNesting([]byte(text), name); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
}

// checkNesting refuses what is nested too deeply. Faults of the text itself are the
// parser's to find.
func checkNesting(text []byte, name string) hcl.Diagnostics {
	if openings(text) <= deepest {
		return nil // which need not be looked at closely
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	depth, operators := 0, 0
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
			hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			operators++
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			operators = 0
		default:
		}
		if depth+operators > deepest {
			return hcl.Diagnostics{errorAt(token.Range, "Nested too deeply", "More than %d brackets or operators are within one another.", deepest)}
		}
	}
	return nil
}

// openings counts the characters that can begin a level.
func openings(text []byte) int {
	n := 0
	for _, c := range text {
		switch c {
		case '{', '[', '(', '"', '!', '-', '?', '<':
			n++
		}
	}
	return n
}

// checkJSONNesting refuses what encoding/json does for being nested too deeply, which is
// at ten thousand levels.
func checkJSONNesting(text []byte, name string) hcl.Diagnostics {
	var document json.RawMessage
	err := json.Unmarshal(text, &document)
	if err == nil || !strings.Contains(err.Error(), "max depth") {
		return nil
	}
	return hcl.Diagnostics{errorAt(hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}, "Nested too deeply", "%v.", err)}
}
