package terminal

import (
	"cmp"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/mitchellh/go-wordwrap"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// named begins a line that has a name in a column of its own.
var named = regexp.MustCompile(`^ *\S+( \S+)? {2,}`)

var indentation = regexp.MustCompile(`^ +`)

// Wrapped breaks the lines of text that are too wide for f between words, and
// puts the rest below the line's text. If f is not a terminal it changes nothing:
// programs count lines. What can't be printed is escaped before, for columns to
// be counted as they are seen.
func Wrapped(f *os.File, text string) string {
	text = printable.Escape(text)
	if !Is(f) {
		return text
	}
	return Wrap(text, Width(f)-1)
}

// Wrap breaks the lines of text that have more than columns.
func Wrap(text string, columns int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if runewidth.StringWidth(line) <= columns {
			continue
		}
		name := cmp.Or(named.FindString(line), indentation.FindString(line))
		indent := max(2, len(name))
		rest := WrapWords(line[len(name):], max(20, columns-indent))
		lines[i] = name + strings.ReplaceAll(rest, "\n", "\n"+strings.Repeat(" ", indent))
	}
	return strings.Join(lines, "\n")
}

// joiner takes the second column of a wide character while text is wrapped: the library
// counts characters. Text that can be printed has none.
const joiner = "\u2060"

// WrapWords breaks text between words so that no line has more than columns, unless one
// word has.
func WrapWords(text string, columns int) string {
	var wide strings.Builder
	for _, r := range text {
		wide.WriteRune(r)
		wide.WriteString(strings.Repeat(joiner, max(0, runewidth.RuneWidth(r)-1)))
	}
	return strings.ReplaceAll(wordwrap.WrapString(wide.String(), uint(max(1, columns))), joiner, "") //nolint:gosec // it is positive
}
