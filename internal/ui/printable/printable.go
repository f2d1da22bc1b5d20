// Package printable makes text from outside fit to be shown. A name, a reason or
// an error of a server may hold characters that a terminal obeys, or that turn
// the order of what a person reads.
package printable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// unprintable tells which characters are shown as escapes: control characters
// (C0, DEL and C1), formatting ones (bidirectional marks, zero width, tags), and
// the separators of lines and paragraphs.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Escape shows what can't be printed as \x1b or \u202e. Line feeds and tabs stay.
func Escape(text string) string {
	return escape(text, func(r rune) bool { return r == '\n' || r == '\t' })
}

// Line is [Escape] of a text that belongs on one line.
func Line(text string) string { return escape(text, func(rune) bool { return false }) }

func escape(text string, stays func(rune) bool) string {
	if !strings.ContainsFunc(text, unprintable) && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case !unprintable(r) || stays(r):
			out.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		i += n
	}
	return out.String()
}

// Blot returns a text in which each byte of what can't be printed is a question mark, so
// that all else stays in its place. Line feeds, carriage returns and tabs stay.
func Blot(text []byte) []byte {
	blotted := bytes.Clone(text)
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if stays := r == '\n' || r == '\r' || r == '\t'; !stays && (unprintable(r) || r == utf8.RuneError && n == 1) {
			for j := range n {
				blotted[i+j] = '?'
			}
		}
		i += n
	}
	return blotted
}

// Check returns an error that shows a text that is not one printable line, or
// nil.
func Check(text string) error {
	if Line(text) != text {
		return fmt.Errorf("\"%s\" has characters that can't be printed", Line(text))
	}
	return nil
}

// CheckJSON looks at every string of a document, and returns an error for those
// that are not printable. Line feeds may be in them.
func CheckJSON(document []byte) error {
	decoder := json.NewDecoder(strings.NewReader(string(document)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := token.(string); ok {
			if err := Check(strings.ReplaceAll(text, "\n", " ")); err != nil {
				return err
			}
		}
	}
}

// JSON returns a JSON document with the same meaning, in which what can't be
// printed is escaped.
func JSON(document []byte) []byte {
	if !strings.ContainsFunc(string(document), special) {
		return document
	}
	var out []byte
	for _, r := range string(document) {
		if !special(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// special tells what is escaped in JSON. The control characters below a space
// stand between its parts alone: an encoder escapes them within strings.
func special(r rune) bool { return r >= ' ' && unprintable(r) }
