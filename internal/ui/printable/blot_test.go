package printable

import "testing"

func TestBlot(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\r\nc": "a\tb\r\nc", "\x1b[31mred": "?[31mred", "x\u202ey": "x???y", "\xff\u0085": "???", "日本": "日本",
	} {
		if got := string(Blot([]byte(text))); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
