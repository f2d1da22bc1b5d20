package function

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

// base64Gzip compresses a text. The bytes are those that Packer gives: there is
// neither a name nor a time in the header, and the text's data is flushed before
// the end, which costs an empty block.
var base64Gzip = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(args[0].AsString())); err != nil {
			return cty.NilVal, err
		}
		if err := w.Flush(); err != nil {
			return cty.NilVal, err
		}
		if err := w.Close(); err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(base64.StdEncoding.EncodeToString(b.Bytes())), nil
	},
})

var textEncodeBase64 = charset("string", func(text string, to encoding.Encoding, name string) (string, error) {
	b, err := to.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return "", function.NewArgErrorf(0, "the text has characters that %s does not have", name)
	}
	return base64.StdEncoding.EncodeToString(b), nil
})

var textDecodeBase64 = charset("source", func(src string, from encoding.Encoding, name string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(src)
	if err != nil {
		return "", function.NewArgErrorf(0, "the source is not base64: %w", err)
	}
	text, err := from.NewDecoder().Bytes(b)
	// Decoders put this character where bytes mean nothing.
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", function.NewArgErrorf(0, "the source has bytes that mean nothing in %s", name)
	}
	return string(text), nil
})

// charset is a function of a text and the IANA name of a character encoding.
func charset(param string, convert func(text string, e encoding.Encoding, name string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: param, Type: cty.String}, {Name: "encoding", Type: cty.String}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[1].AsString()
			e, err := ianaindex.IANA.Encoding(name)
			if err != nil || e == nil { // nil is a name of IANA's without an implementation
				return cty.NilVal, function.NewArgErrorf(1, "there is no character encoding %q; names are IANA's, such as UTF-16LE", name)
			}
			text, err := convert(args[0].AsString(), e, strings.ToUpper(name))
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(text), nil
		},
	})
}
