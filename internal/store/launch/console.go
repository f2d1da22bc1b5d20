package launch

import (
	"os"
	"regexp"
	"strings"
)

// consoleEnd is how much of a console's end is looked at, in bytes.
const consoleEnd = 8 << 10

// escapes are what a console sends to move a cursor or change a colour.
var escapes = regexp.MustCompile(`\x1b(\[[0-9;?]*[A-Za-z]|[()][0-9A-Za-z]|.)|[\x00-\x08\x0b-\x1a\x7f]`)

// LastLine returns the last line with something on it of a console's log.
func LastLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	content = content[max(0, len(content)-consoleEnd):]
	lines := strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(escapes.ReplaceAllString(lines[i], "")); line != "" {
			return line
		}
	}
	return ""
}
