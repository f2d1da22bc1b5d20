package function

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// names are the functions of Packer 1.16. With env there are 104.
const names = `abs abspath alltrue anytrue aws_secretsmanager aws_secretsmanager_raw base64decode base64encode base64gzip
basename bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact concat
consul_key contains convert csvdecode dirname distinct element endswith file filebase64 fileexists fileset flatten floor
format formatdate formatlist indent index join jsondecode jsonencode keys legacy_isotime legacy_strftime length log lookup
lower max md5 merge min parseint pathexpand pow range regex regex_replace regexall replace reverse rfc3339_parse rsadecrypt
setintersection setproduct setunion sha1 sha256 sha512 signum slice sort split startswith strcontains strrev substr sum
templatefile textdecodebase64 textencodebase64 timeadd timestamp title trim trimprefix trimspace trimsuffix try
unix_timestamp_parse upper urlencode uuidv4 uuidv5 values vault yamldecode yamlencode zipmap`

func TestNames(t *testing.T) {
	want := strings.Fields(names)
	if got := slices.Sorted(maps.Keys(All("."))); !slices.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	want = slices.Sorted(slices.Values(append(want, "env")))
	if got := slices.Sorted(maps.Keys(WithEnv("."))); !slices.Equal(got, want) || len(got) != 104 {
		t.Error(cmp.Diff(want, got))
	}
}

// variables are what the expressions of the tests can see.
var variables = map[string]cty.Value{
	"dyn":     cty.DynamicVal,
	"emptyl":  cty.ListValEmpty(cty.Bool),
	"inf":     cty.PositiveInfinity,
	"ninf":    cty.NegativeInfinity,
	"nulll":   cty.NullVal(cty.List(cty.String)),
	"nulls":   cty.NullVal(cty.String),
	"secret":  cty.StringVal("s3cret").Mark("sensitive"),
	"secrets": cty.ListVal([]cty.Value{cty.StringVal("a").Mark("sensitive"), cty.StringVal("b")}),
	"ub":      cty.UnknownVal(cty.Bool),
	"un":      cty.UnknownVal(cty.Number),
	"unknown": cty.UnknownVal(cty.List(cty.Bool)),
	"us":      cty.UnknownVal(cty.String),
	"uset":    cty.SetVal([]cty.Value{cty.UnknownVal(cty.Number), cty.NumberIntVal(1)}),
	"uutuple": cty.UnknownVal(cty.Tuple([]cty.Type{cty.String})),
}

func evaluate(t *testing.T, dir, text string) (cty.Value, error) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(&hcl.EvalContext{Functions: WithEnv(dir), Variables: variables})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

// tree writes the files that the expressions of the tests read.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"bin.dat": "\xff\xfe\x00", "plain.txt": "text", "sub/a.txt": "x\n", "sub/.hid": "y\n",
		"broken.tpl": "${x", "one.tpl": "${x}", "name.tpl": "%{ for n in names ~}\n${upper(n)};%{ endfor ~}",
		"rec.tpl": `${templatefile("plain.txt",{})}`, "rec2.tpl": `${can(templatefile("plain.txt",{}))}`,
		"deep.tpl": "${" + strings.Repeat("(", 100000), "ifs.tpl": strings.Repeat("%{ if true }%{ endif }", 5000),
		"deep.json":   strings.Repeat("[", 3000000),
		"deepifs.tpl": strings.Repeat("%{ if true }", 5000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// recorded is what the functions of Packer 1.16.0 gave: an expression, a tab and
// its value as cty writes it, or "error".
//
//go:embed testdata/packer-1.16.0.txt
var recorded string

func TestAsPacker(t *testing.T) {
	dir := tree(t)
	t.Chdir(dir)
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("NO_SUCH_X", "")
	for line := range strings.Lines(recorded) {
		text, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		v, err := evaluate(t, dir, text)
		got := fmt.Sprintf("%#v", v)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s = %s, %v; Packer gives %s", text, got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := tree(t)
	for text, want := range map[string]string{
		`length(7)`:                             `a string or a collection is needed`,
		`index(["a"], "x")`:                     `the list has no such element`,
		`index("a", "x")`:                       `a list is needed`,
		`sum([])`:                               `at least one number`,
		`sum(["x"])`:                            `every element must be a number`,
		`sum([inf, ninf])`:                      `infinity and minus infinity have no sum`,
		`file("sub")`:                           `is a directory`,
		`templatefile("name.tpl", {})`:          `there is no variable "names"`,
		`templatefile("no.tpl", {})`:            `no such file`,
		`templatefile("name.tpl", "x")`:         `an object of variables is needed`,
		`templatefile("bin.dat", {})`:           `is not text in UTF-8`,
		`templatefile("deep.tpl", {})`:          `Nested too deeply`,
		`templatefile("deepifs.tpl", {})`:       `Nested too deeply`,
		`jsondecode(file("deep.json"))`:         `exceeded max depth`,
		`templatefile("rec.tpl", {})`:           `a file that templatefile renders cannot call templatefile`,
		`templatefile("one.tpl", { "a b" = 1})`: `"a b" cannot be the name of a variable`,
		`yamldecode("a: [")`:                    `did not find expected node content`,
		`textencodebase64("a", "none")`:         `there is no character encoding "none"`,
		`textencodebase64("日", "ISO-8859-1")`:   `the text has characters that ISO-8859-1 does not have`,
		`textdecodebase64("!", "UTF-8")`:        `the source is not base64`,
		`textdecodebase64("/w==", "UTF-8")`:     `the source has bytes that mean nothing in UTF-8`,
		`rfc3339_parse("now")`:                  `a time of RFC 3339 is needed`,
		`unix_timestamp_parse(1.5)`:             `a whole number of seconds is needed`,
		`legacy_isotime("06", "01")`:            `at most one format is taken`,
	} {
		refused(t, dir, text, want)
	}
	if _, err := evaluate(t, dir, `rfc3339_parse(secret)`); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("an error shows a secret: %v", err)
	}
}

func TestLegacyTimes(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	layout := func(at time.Time, layout string) string { return at.Format(layout) }
	for _, test := range []struct {
		args []cty.Value
		want string
	}{
		{nil, "2026-01-02T15:04:05Z"},
		{[]cty.Value{cty.StringVal("060102-150405")}, "260102-150405"},
	} {
		if v, err := legacyTime(at, layout).Call(test.args); err != nil || v.AsString() != test.want {
			t.Errorf("%#v, %v; want %s", v, err, test.want)
		}
	}
}

// TestTimesOfNow looks at what depends on the time: there is one for all calls
// of the legacy functions.
func TestTimesOfNow(t *testing.T) {
	for text, want := range map[string]string{
		`legacy_isotime()`:                      started.Format(time.RFC3339),
		`legacy_strftime()`:                     started.Format(time.RFC3339),
		`legacy_isotime("06-Jan")`:              started.Format("06-Jan"),
		`legacy_strftime("%Y %B %p %Z %% %Q%")`: started.Format("2006 January PM MST") + " % %Q%",
		`substr(timestamp(), 4, 1)`:             "-",
	} {
		if v, err := evaluate(t, ".", text); err != nil || v.AsString() != want {
			t.Errorf("%s = %#v, %v; want %s", text, v, err, want)
		}
	}
}

// TestPaths looks at which directory a path is relative to.
func TestPaths(t *testing.T) {
	dir := tree(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FUNCTION_TEST", "set")
	t.Chdir(filepath.Join(dir, "sub"))
	for text, want := range map[string]string{
		`file("plain.txt")`:                    "text",
		`pathexpand("~/x")`:                    filepath.Join(home, "x"),
		`filebase64("../plain.txt")`:           "dGV4dA==",
		`abspath("x")`:                         filepath.Join(dir, "sub", "x"),
		`env("FUNCTION_TEST")`:                 "set",
		`format("%v", fileexists("name.tpl"))`: "true",
		`join(" ", fileset("sub", "*.txt"))`:   "a.txt",
	} {
		if v, err := evaluate(t, dir, text); err != nil || v.AsString() != want {
			t.Errorf("%s = %#v, %v; want %s", text, v, err, want)
		}
	}
	if got, err := resolve(dir, cty.StringVal("~/x")); err != nil || got != filepath.Join(home, "x") {
		t.Errorf("~/x is %s, %v", got, err)
	}
}

// FuzzText looks for texts that make a function panic.
func FuzzText(f *testing.F) {
	f.Add("YYYY-MM-DD'T'hh", "2026-01-02T03:04:05Z", int64(-1))
	f.Add("%[3]*.[2]*[1]f %% %v", "UTF-16", int64(1<<40))
	f.Add("(a|b)*?$1", "a\u0301\xff", int64(1<<62))
	f.Fuzz(func(t *testing.T, a, b string, n int64) {
		// cty takes UTF-8 only: its formatdate does not return with other bytes.
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		x, y, i := cty.StringVal(a), cty.StringVal(b), cty.NumberIntVal(n)
		all := All(".")
		for name, args := range map[string][]cty.Value{
			"formatdate": {x, y}, "rfc3339_parse": {y}, "unix_timestamp_parse": {i}, "legacy_isotime": {x}, "legacy_strftime": {x},
			"textencodebase64": {x, y}, "textdecodebase64": {x, y}, "base64gzip": {x}, "yamlencode": {cty.TupleVal([]cty.Value{x, i})},
			"format": {x, y, i}, "regex": {x, y}, "replace": {x, y, x}, "substr": {x, i, i}, "title": {x}, "indent": {cty.NumberIntVal(n % 64), x},
			"length": {x}, "split": {x, y}, "trim": {x, y}, "startswith": {x, y}, "csvdecode": {x}, "jsondecode": {x}, "urlencode": {x},
		} {
			if _, err := all[name].Call(args); err != nil && strings.Contains(err.Error(), "panic in function") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestManyDirectives renders a file of many directives, none within another.
func TestManyDirectives(t *testing.T) {
	v, err := evaluate(t, tree(t), `templatefile("ifs.tpl", {})`)
	if err != nil || v.AsString() != "" {
		t.Errorf("%#v, %v", v, err)
	}
}
