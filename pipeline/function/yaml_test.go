package function

import (
	"fmt"
	"strings"
	"testing"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
)

func decodeYAML(src string) (cty.Value, error) {
	return yamlDecode.Call([]cty.Value{cty.StringVal(src)})
}

func TestYAMLBounds(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 20 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	for name, test := range map[string]struct{ src, want string }{
		"aliases":      {bomb, "add more than 262144 values"},
		"flow":         {strings.Repeat("[", 1<<20), "exceeded max depth"},
		"block":        {strings.Repeat("- ", 1<<20), "exceeded max depth"},
		"closed":       {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested more than 200 deep"},
		"alias inside": {"&a [*a]", "inside"},
	} {
		if _, err := decodeYAML(test.src); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
	if _, err := decodeYAML(strings.Repeat("[", yamlPlain)); err == nil {
		t.Error("what is never closed is read")
	}
}

// TestLargeYAML reads a document that is looked at first.
func TestLargeYAML(t *testing.T) {
	src := "all: &all [1, 2]\nsame: *all\n" + strings.Repeat("# comment\n", yamlPlain/10)
	v, err := decodeYAML(src)
	if err != nil || !v.GetAttr("same").RawEquals(v.GetAttr("all")) {
		t.Errorf("%#v, %v", v, err)
	}
}

// FuzzYAMLDecode holds that whatever is read is what the library makes of it,
// and that nothing panics.
func FuzzYAMLDecode(f *testing.F) {
	for _, src := range []string{
		"0123", "yes", "a: &x {c: 1}\nb:\n  <<: *x\n", "- !!binary aGk=\n- ~\n- 1:30", "a: |\n  x\n", "? [a]\n: b", "&a [*a]", "%YAML 1.1\n---\n'*'",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		got, err := decodeYAML(src)
		if err != nil && strings.Contains(err.Error(), "goroutine") {
			t.Fatalf("a stack: %v", err)
		}
		if err != nil && checkYAML(cty.StringVal(src).AsString()) != nil {
			return
		}
		want, wantErr := ctyyaml.YAMLDecodeFunc.Call([]cty.Value{cty.StringVal(src)})
		if (err == nil) != (wantErr == nil) || err == nil && !got.RawEquals(want) {
			t.Errorf("%#v, %v; the library: %#v, %v", got, err, want, wantErr)
		}
	})
}
