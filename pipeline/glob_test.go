package pipeline

import "testing"

func TestMatchesAny(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a.null.b", true},
		{"*.b", "a.null.b", true},
		{"null.?", "null.b", true},
		{"null.*", "a.null.b", false},
		{"null.{a,b}", "null.b", true},
		{"null.[a-b]", "null.c", false},
		{"null.[x", "null.[x", true},
		{"null.[x", "null.x", false},
		{"a/b*", "a/b/c.null.d", true},
	} {
		if got := matchesAny([]string{c.pattern}, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}
