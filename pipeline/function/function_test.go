package function

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func evaluate(t *testing.T, dir, text string) (string, error) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(&hcl.EvalContext{Functions: WithEnv(dir), Variables: map[string]cty.Value{
		"unknown": cty.UnknownVal(cty.List(cty.Bool)),
	}})
	if diags.HasErrors() {
		return "", diags
	}
	if !v.IsWhollyKnown() {
		return "unknown", nil
	}
	out, err := ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
	return string(out), err
}

func TestFunctions(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"name.tpl":  "%{ for n in names ~}\n${upper(n)};%{ endfor ~}\n",
		"plain.txt": "text",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FUNCTION_TEST", "set")
	for text, want := range map[string]string{
		`length("häß")`:                               `3`,
		`length([1, "a"])`:                            `2`,
		`length({ a = 1 })`:                           `1`,
		`length(toset)`:                               ``,
		`length(unknown)`:                             `unknown`,
		`length(7)`:                                   `a string or a collection is needed`,
		`index(["a", "b"], "b")`:                      `1`,
		`index(["a"], "x")`:                           `the list has no such element`,
		`index("a", "x")`:                             `a list is needed`,
		`alltrue([])`:                                 `true`,
		`alltrue([true, false])`:                      `false`,
		`anytrue([])`:                                 `false`,
		`anytrue([false, true])`:                      `true`,
		`alltrue(unknown)`:                            `unknown`,
		`sum([1, 2.5])`:                               `3.5`,
		`sum([])`:                                     `at least one number`,
		`sum(["x"])`:                                  `every element must be a number`,
		`startswith("abc", "ab")`:                     `true`,
		`endswith("abc", "ab")`:                       `false`,
		`strcontains("abc", "b")`:                     `true`,
		`strrev("abc")`:                               `"cba"`,
		`reverse(["a", "b"])`:                         `["b","a"]`,
		`env("FUNCTION_TEST")`:                        `"set"`,
		`env("FUNCTION_TEST_UNSET")`:                  `""`,
		`file("plain.txt")`:                           `"text"`,
		`filebase64("plain.txt")`:                     `"dGV4dA=="`,
		`fileexists("no.txt")`:                        `false`,
		`fileset(".", "*.txt")`:                       `["plain.txt"]`,
		`templatefile("name.tpl", { names = ["a"] })`: `"A;"`,
		`templatefile("name.tpl", {})`:                `there is no variable "names"`,
		`templatefile("no.tpl", {})`:                  `no such file`,
		`templatefile("name.tpl", "x")`:               `an object of variables is needed`,
		`yamldecode("a: [1, b]")`:                     `{"a":[1,"b"]}`,
		`yamldecode("a: [")`:                          `yaml`,
		`yamlencode({ a = [1] })`:                     `"a:\n    - 1\n"`,
		`base64decode(base64encode("x"))`:             `"x"`,
		`sha256("")`:                                  `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`,
		`try(missing.name, "other")`:                  `"other"`,
		`can(missing.name)`:                           `false`,
		`cidrhost("10.0.2.0/24", 15)`:                 `"10.0.2.15"`,
		`formatdate("YYYY", "2026-01-02T03:04:05Z")`:  `"2026"`,
		`substr(timestamp(), 4, 1)`:                   `"-"`,
		`length(base64gzip("x")) > 10`:                `true`,
		`coalesce("", "b")`:                           `"b"`,
		`basename(abspath("a/b"))`:                    `"b"`,
		`merge({ a = 1 }, { b = 2 })`:                 `{"a":1,"b":2}`,
	} {
		got, err := evaluate(t, dir, text)
		if err != nil && (want == "" || strings.Contains(err.Error(), want)) {
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", text, got, err, want)
		}
	}
}
