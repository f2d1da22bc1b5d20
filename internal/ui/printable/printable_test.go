package printable

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ünïcode 日本 ✓\n\tx": "plain, ünïcode 日本 ✓\n\tx",
		"\x1b[2J\a\x7f\r":          `\x1b[2J\x07\x7f\x0d`,
		"\u009b31m":                `\u009b31m`,
		"\x9b31m":                  `\x9b31m`,
		"a\u202eb\u2066c\u200ed":   `a\u202eb\u2066c\u200ed`,
		"\u2028\u2029\ufeff":       `\u2028\u2029\ufeff`,
		"\U000e0041":               `\U000e0041`,
		"\xff\xfe":                 `\xff\xfe`,
	} {
		if got := Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Line("a\nb"); got != `a\x0ab` {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	for text, ok := range map[string]bool{"search is broken": true, "": true, "a\nb": false, "\x1b": false, "\u202e": false, "\xff": false} {
		if err := Check(text); (err == nil) != ok || err != nil && Line(err.Error()) != err.Error() {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := CheckJSON([]byte(`{"a": ["x\ny", {"b": "\u202e"}]}`)); err == nil {
		t.Error("a document with a bidirectional mark passes")
	}
	if err := CheckJSON([]byte(`{"a": ["x\ny", {"b": 1}]}`)); err != nil {
		t.Error(err)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b\u202e\xff\U000e0041ä")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Escape(text); !utf8.ValidString(got) || strings.ContainsFunc(strings.NewReplacer("\n", "", "\t", "").Replace(got), unprintable) {
			t.Errorf("Escape(%q) = %q", text, got)
		}
		document, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(document)
		if strings.ContainsFunc(string(safe), unprintable) {
			t.Errorf("JSON(%q) = %q", document, safe)
		}
		var before, after map[string]string
		if json.Unmarshal(document, &before) != nil || json.Unmarshal(safe, &after) != nil || before["text"] != after["text"] {
			t.Errorf("%q became %q", before, after)
		}
	})
}
