package pipeline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// spellings returns the ways in which programs write a text: as it is; quoted as
// in Go, in JSON, in HCL, for a shell, and what is quoted once more, as errors in
// errors are; as a part of a URL; in base64 by itself; and as it is shown in faults.
func spellings(text string) []string {
	all := []string{text}
	for range 2 {
		for _, one := range all {
			for _, quote := range quotes {
				if form := quote(one); form != one {
					all = append(all, form)
				}
			}
		}
	}
	return append(all,
		printable.Escape(text), string(printable.Blot([]byte(text))),
		url.QueryEscape(text), url.PathEscape(text), strings.TrimPrefix(url.UserPassword("", text).String(), ":"),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text)),
		base64.URLEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)))
}

// quotes write a text as it is between quotes.
var quotes = []func(string) string{
	func(s string) string { return inner(strconv.Quote(s)) },
	func(s string) string { return inner(strconv.QuoteToASCII(s)) },
	func(s string) string { return inner(encoded(s, true)) },
	func(s string) string { return inner(encoded(s, false)) },
	func(s string) string { return inner(string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())) },
	func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) },
}

// inner is a text without its first and last character.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func encoded(s string, html bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	if err := encoder.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
