package pipeline

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChoose: each name chooses what has it, and nothing else, whatever is in it.
func TestChoose(t *testing.T) {
	names := []string{"file.a*", "file.ab", "[x].file.a", "x.file.a", `file.a,b`, "file.b", `"file.a`, `file.a"`, `file.\a`}
	for _, name := range names {
		c := choose([]string{name}, names)
		chosen := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !c.has(name) })
		if diff := cmp.Diff([]string{name}, chosen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diags := c.unmatched("-only", "build", names); len(diags) > 0 {
			t.Errorf("%s: %v", name, diags)
		}
	}
	for value, want := range map[string][]string{
		"":                 {},
		"*":                {"file.a*", "file.ab", "[x].file.a", "x.file.a", "file.a,b", "file.b", `"file.a`, `file.a"`, `file.\a`},
		"file.a*,file.b":   {"file.a*", "file.b"},
		"file.?b,*.file.a": {"file.ab", "[x].file.a", "x.file.a"},
		`"file.a,b",x*`:    {"x.file.a", "file.a,b"},
	} {
		c := choose([]string{value}, names)
		chosen := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !c.has(name) })
		if diff := cmp.Diff(want, chosen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
	}
	if diags := choose([]string{"file.c,file.b"}, names).unmatched("-only", "build", names); len(diags) != 1 {
		t.Errorf("a name that is not there: %v", diags)
	}
}

func TestMatches(t *testing.T) {
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
		{"null.[x", "null.x", false},
		{"a/b*", "a/b/c.null.d", true},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}
