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
	// The beginning first: the tokens of ten megabytes take gigabytes.
	for end := 64 << 10; ; end *= 16 {
		tokens, _ := hclsyntax.LexConfig(text[:min(end, len(text))], name, hcl.InitialPos)
		if diags := nestingOf(tokens); diags.HasErrors() || end >= len(text) {
			return diags
		}
	}
}

func nestingOf(tokens hclsyntax.Tokens) hcl.Diagnostics {
	n := nesting{levels: make([]level, 1)}
	for _, token := range tokens {
		if n.take(token.Type); n.depth > deepest {
			return hcl.Diagnostics{errorAt(token.Range, "Nested too deeply", "More than %d brackets or operators are within one another.", deepest)}
		}
	}
	return nil
}

// nesting is where one is in a text.
type nesting struct {
	levels []level
	depth  int // all levels, and their operators
}

// level is what a bracket began.
type level struct {
	inline    bool // a new line ends nothing in it
	operators int  // that what follows is within
}

func (n *nesting) take(t hclsyntax.TokenType) {
	last := &n.levels[len(n.levels)-1]
	switch t {
	case hclsyntax.TokenOBrace:
		n.begin(level{})
	case hclsyntax.TokenTemplateControl: // what it begins ends with another one
		last.operators++
		n.depth++
		n.begin(level{inline: true})
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		n.begin(level{inline: true})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		if len(n.levels) > 1 {
			n.depth -= 1 + last.operators
			n.levels = n.levels[:len(n.levels)-1]
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
		last.operators++
		n.depth++
	case hclsyntax.TokenNewline, hclsyntax.TokenComma:
		if t == hclsyntax.TokenComma || !last.inline {
			n.depth -= last.operators
			last.operators = 0
		}
	default:
	}
}

func (n *nesting) begin(l level) {
	n.levels = append(n.levels, l)
	n.depth++
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
