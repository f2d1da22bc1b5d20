package pipeline

import (
	"fmt"
	"strings"
	"testing"
)

// parsed reads a text as a template, to its builds.
func parsed(name, text string) error {
	in := Input{AllowUnset: true, Read: func(string) ([]byte, error) { return []byte(text), nil }}
	template, err := Parse(name, in)
	if err == nil {
		_, err = template.Builds(Options{})
	}
	return err
}

// TestHostileTemplates: what nobody would write ends in an error, in bounded time.
func TestHostileTemplates(t *testing.T) {
	deep := func(begin, end string, n int) string {
		return "locals { x = " + strings.Repeat(begin, n) + "1" + strings.Repeat(end, n) + " }"
	}
	for name, text := range map[string]string{
		"brackets":      deep("[", "]", 200_000),
		"not closed":    deep("[", "", 5_000),
		"parentheses":   deep("(", ")", 5_000),
		"objects":       deep("{ a = ", "}", 5_000),
		"calls":         deep("upper(", ")", 5_000),
		"texts":         deep(`"${`, `}"`, 5_000),
		"not":           deep("!", "", 5_000),
		"minus":         deep("-", "", 5_000),
		"conditions":    deep("true ? 1 : ", "", 5_000),
		"lines":         "locals { x = (" + strings.Repeat("true ? 1 :\n", 5_000) + "1) }",
		"not, in lists": deep("[1, "+strings.Repeat("!", 100), "]", 100),
		"open controls": `locals { x = "` + strings.Repeat("%{ if true }", 5_000) + strings.Repeat("%{ endif }", 5_000) + `" }`,
		"blocks":        strings.Repeat("build {\n", 5_000),
		"conditionals":  deep(`"%{ if true }`, `%{ endif }"`, 5_000),
		"heredocs":      "locals { x = " + strings.Repeat("<<E\n${", 5_000) + "}",
		"binary":        strings.Repeat("\x00\xff\x80", 5_000),
	} {
		if err := parsed("-", text); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: %.300v", name, err)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"deep": `{"locals": {"x": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}}",
		"cut":  `{"locals": {"x": `,
		"open": strings.Repeat(`{"a":`, 5_000),
	} {
		path := dir + "/" + name + ".pkr.json"
		writeFile(t, path, text)
		if err := parsed(path, ""); err == nil {
			t.Error(name)
		}
	}
}

// TestLargeTemplate: a large template is not a hostile one.
func TestLargeTemplate(t *testing.T) {
	var text strings.Builder
	text.WriteString("locals {\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "x%d = 1 - %d - -1\n", i, i)
	}
	text.WriteString("list = [" + strings.Repeat("-1, ", 20_000) + "]\n}\nsource \"null\" \"a\" {}\nbuild { sources = [\"null.a\"] }")
	if err := parsed("-", text.String()); err != nil {
		t.Error(err)
	}
}
