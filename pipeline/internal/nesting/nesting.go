// Package nesting refuses texts of HCL that are nested too deeply. The parser is
// recursive, and a hundred thousand brackets would end the program.
package nesting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// deepest is how many brackets and operators may be nested.
const deepest = 2000

// lexer splits a text into its tokens.
type lexer func(text []byte, name string, start hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics)

// Check refuses a body or an expression that is nested too deeply. Faults of the text
// itself are the parser's to find.
func Check(text []byte, name string) hcl.Diagnostics { return check(text, name, hclsyntax.LexConfig) }

// CheckTemplate is [Check] for a text with interpolations in it.
func CheckTemplate(text []byte, name string) hcl.Diagnostics {
	return check(text, name, hclsyntax.LexTemplate)
}

func check(text []byte, name string, lex lexer) hcl.Diagnostics {
	if openings(text) <= deepest {
		return nil // which need not be looked at closely
	}
	// The beginning first: the tokens of ten megabytes take gigabytes.
	for end := 64 << 10; ; end *= 16 {
		tokens, _ := lex(text[:min(end, len(text))], name, hcl.InitialPos)
		if diags := nestingOf(tokens); diags.HasErrors() || end >= len(text) {
			return diags
		}
	}
}

func nestingOf(tokens hclsyntax.Tokens) hcl.Diagnostics {
	n := nesting{levels: make([]level, 1)}
	for _, token := range tokens {
		if n.take(token); n.depth > deepest {
			return tooDeep(token.Range, fmt.Sprintf("More than %d brackets or operators are nested.", deepest))
		}
	}
	return nil
}

// nesting is where one is in a text.
type nesting struct {
	levels []level
	depth  int // all levels, and their operators
	// directive says that the next token is the first word of one.
	directive bool
}

// level is what a bracket began.
type level struct {
	inline    bool // a new line ends nothing in it
	operators int  // that what follows is within
}

func (n *nesting) take(token hclsyntax.Token) {
	last := &n.levels[len(n.levels)-1]
	if n.directive {
		n.directive = false
		n.direct(string(token.Bytes))
	}
	switch t := token.Type; t {
	case hclsyntax.TokenOBrace:
		n.begin(level{})
	case hclsyntax.TokenTemplateControl:
		n.begin(level{inline: true})
		n.directive = true
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		n.begin(level{inline: true})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		if len(n.levels) > 1 {
			n.depth -= 1 + last.operators
			n.levels = n.levels[:len(n.levels)-1]
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion, hclsyntax.TokenPlus, hclsyntax.TokenStar,
		hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr:
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

// direct takes the first word of a directive of a template, in its own level. What
// follows the directive is within it, until another one ends that.
func (n *nesting) direct(word string) {
	text := &n.levels[len(n.levels)-2]
	switch {
	case word == "if" || word == "for":
		text.operators++
		n.depth++
	case text.operators > 0 && (word == "endif" || word == "endfor"):
		text.operators--
		n.depth--
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
		case '{', '[', '(', '"', '!', '-', '?', '<', '+', '*', '/', '%', '&', '|':
			n++
		}
	}
	return n
}

// CheckJSON refuses what encoding/json does for being nested too deeply, which is at ten
// thousand levels, and templates in strings that are.
func CheckJSON(text []byte, name string) hcl.Diagnostics {
	where := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	var document json.RawMessage
	if err := json.Unmarshal(text, &document); err != nil {
		if strings.Contains(err.Error(), "max depth") {
			return tooDeep(where, err.Error()+".")
		}
		return nil // for the parser to find
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	for token, err := decoder.Token(); err == nil; token, err = decoder.Token() {
		s, ok := token.(string)
		if !ok {
			continue
		}
		if diags := CheckTemplate([]byte(s), name); diags.HasErrors() {
			diags[0].Subject = &where
			return diags
		}
	}
	return nil
}

func tooDeep(where hcl.Range, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Nested too deeply", Detail: detail, Subject: &where}}
}
