package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// TestMaskKnowsHowProgramsWrite hides values however they were written.
func TestMaskKnowsHowProgramsWrite(t *testing.T) {
	for _, secret := range []string{`sec"retq`, `back\slash`, "tab\tbed", "<ümlaut&>", "${dollar}%{x}", "it's secret", "a b+c/d?e=f", "plain-one"} {
		m := &mask{}
		m.add(cty.StringVal(secret))
		asJSON, err := json.Marshal(map[string]string{"password": secret})
		if err != nil {
			t.Fatal(err)
		}
		inJSON, err := json.Marshal(fmt.Sprintf("login %q refused", secret))
		if err != nil {
			t.Fatal(err)
		}
		hcl := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "${", "$${", "%{", "%%{").Replace(secret)
		for _, text := range []string{
			secret, fmt.Sprintf("%q is wrong", secret), fmt.Sprintf("%+q", secret), string(asJSON), string(inJSON),
			strconv.Quote(fmt.Sprintf("inner %q", secret)), `password = "` + hcl + `"`,
			"sh -c 'echo '\\''" + strings.ReplaceAll(secret, "'", `'\''`) + "'\\'''",
			"http://h/?p=" + url.QueryEscape(secret), (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("me", secret)}).String(),
			"http://h/" + url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			if got := m.hide(text); got == text || strings.Count(got, masked) != 1 {
				t.Errorf("%q is shown as %q", text, got)
			}
		}
	}
}

func TestMaskLines(t *testing.T) {
	m := &mask{}
	if !m.add(cty.StringVal("-----BEGIN-----\n  indented one\r\n}\n-----END-----\n")) {
		t.Error("a line of one character makes a value too short")
	}
	for text, want := range map[string]string{
		"read indented one.":     "read " + masked + ".",
		"a { b } c":              "a { b } c",
		`"-----BEGIN-----\n  in`: `"` + masked + `\n  in`,
	} {
		if got := m.hide(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	if m.add(cty.StringVal("ab")) || m.hide("about") != "about" {
		t.Error("a value of two characters is hidden in words")
	}
	if !m.add(cty.NumberIntVal(271828)) || m.hide("pin 271828") != "pin "+masked {
		t.Error("a number is shown")
	}
	if !m.add(cty.StringVal("")) || !m.add(cty.NullVal(cty.String)) || !m.add(cty.UnknownVal(cty.String)) {
		t.Error("nothing at all is too short")
	}
}

const sensitiveTemplate = `
variable "password" {
  type      = %s
  sensitive = true
}
variable "number" {
  type    = number
  default = 1
}
source "null" "a" {}
build { sources = ["null.a"] }
`

// TestFilesOfVariablesAreNotShown holds that a fault in a file of variables shows
// its place and what is wrong, but nothing of the file.
func TestFilesOfVariablesAreNotShown(t *testing.T) {
	for name, text := range map[string]string{
		"name.pkrvars.hcl":     "password = fileSecret",
		"list.pkrvars.hcl":     `password = ["fileSecret"]`,
		"open.pkrvars.hcl":     `password = "fileSecret`,
		"escape.pkrvars.hcl":   `password = "\fileSecret"`,
		"call.pkrvars.hcl":     `password = fileSecret("fileSecret")`,
		"template.pkrvars.hcl": `password = "${fileSecret}"`,
		"block.pkrvars.hcl":    "password {\n fileSecret = 1\n}",
		"label.pkrvars.hcl":    `password "fileSecret" {}`,
		"alone.pkrvars.hcl":    "password =\nfileSecret\n",
		"twice.pkrvars.hcl":    "password = \"fileSecret\"\npassword = \"fileSecret\"",
		"document.pkrvars.hcl": "password = <<X\nfileSecret\n",
		"beside.pkrvars.hcl":   "password = \"fileSecret\" fileSecret",
		"next.pkrvars.hcl":     "password = \"fileSecret\"\nnumber = fileSecret",
		"other.pkrvars.hcl":    "number = [\"fileSecret\"]",
		"keyword.pkrvars.json": `{"password": fileSecret}`,
		"missing.pkrvars.json": `{"password": "fileSecret"`,
		"object.pkrvars.json":  `{"password": {"fileSecret": "fileSecret"}}`,
		"array.pkrvars.json":   `["fileSecret"]`,
	} {
		for _, automatic := range []bool{false, true} {
			dir := t.TempDir()
			file := filepath.Join(dir, name)
			in := Input{Files: []string{file}}
			if automatic {
				file = filepath.Join(dir, strings.Replace(name, ".pkrvars", ".auto.pkrvars", 1))
				in.Files = nil
			}
			writeFile(t, filepath.Join(dir, "x.pkr.hcl"), fmt.Sprintf(sensitiveTemplate, "string"))
			writeFile(t, file, text)
			_, err := Parse(dir, in)
			hidden(t, name, err, "fileSecret")
			var shown strings.Builder
			if wrong := (*TemplateError)(nil); errors.As(err, &wrong) && (wrong.Write(&shown, 0, false) != nil ||
				!strings.Contains(shown.String(), filepath.Base(file)+", line ") || !strings.Contains(shown.String(), ", column ")) {
				t.Errorf("%s: no place in\n%s", name, shown.String())
			}
		}
	}
}

// hidden fails the test unless err is one of a template and shows no secret.
func hidden(t *testing.T, name string, err error, secret string) {
	t.Helper()
	var wrong *TemplateError
	if !errors.As(err, &wrong) {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, width := range []int{0, 40} {
		for _, color := range []bool{false, true} {
			var text strings.Builder
			if err := wrong.Write(&text, width, color); err != nil || strings.Contains(text.String(), secret) {
				t.Errorf("%s: %v\n%s", name, err, text.String())
			}
		}
	}
	for _, d := range wrong.Diagnostics {
		if told := wrong.Hide(d.Summary + d.Detail); strings.Contains(told+err.Error(), secret) {
			t.Errorf("%s: %s\n%v", name, told, err)
		}
	}
}

// TestDefaultsOfSensitiveVariablesAreNotShown is about faults in the template
// itself.
func TestDefaultsOfSensitiveVariablesAreNotShown(t *testing.T) {
	for name, block := range map[string]string{
		"type":      "variable \"x\" {\n  type = number\n  sensitive = true\n  default = \"fileSecret\"\n}",
		"one line":  `variable "x" { default = ["fileSecret", y]` + "\nsensitive = true }",
		"syntax":    "variable \"x\" {\n  sensitive = true\n  default = \"fileSecret\n}",
		"no end":    "variable \"x\" {\n  sensitive = true\n  default = \"fileSecret\" 1\n",
		"local":     "local \"x\" {\n  expression = [\"fileSecret\", nothing]\n  sensitive = true\n}",
		"condition": "variable \"x\" {\n  sensitive = true\n  default = \"fileSecret\"\n  validation {\n    condition = var.x == \"fileSecrets\"\n    error_message = \"No.\"\n  }\n}",
		"quoted":    "variable \"x\" {\n  sensitive = true\n  default = \"file Secret\"\n  validation {\n    condition = false\n    error_message = \"It is ${var.x} and so on, and on.\"\n  }\n}",
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "x.pkr.hcl"), block+"\nsource \"null\" \"a\" {}\nbuild { sources = [\"null.a\"] }\n")
		err := faultOf(t, dir, Input{})
		secret := "fileSecret"
		if name == "quoted" {
			secret = "Secret"
		}
		hidden(t, name, err, secret)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "x.pkr.json"), `{"variable": {"x": {"type": "number", "sensitive": true, "default": "fileSecret"}}}`)
	_, err := Parse(dir, Input{})
	hidden(t, "JSON", err, "fileSecret")
	// The lines of all else are shown.
	writeFile(t, filepath.Join(dir, "x.pkr.hcl"), fmt.Sprintf(sensitiveTemplate, "string")+"\nlocals { x = nothing }")
	if err := os.Remove(filepath.Join(dir, "x.pkr.json")); err != nil {
		t.Fatal(err)
	}
	err = faultOf(t, dir, Input{Values: []string{"password=fileSecret"}})
	var wrong *TemplateError
	var text strings.Builder
	if !errors.As(err, &wrong) || wrong.Write(&text, 0, false) != nil || !strings.Contains(text.String(), "locals { x = nothing }") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

// TestValuesFromTheCommandLineAreNotShown is about -var and the environment.
func TestValuesFromTheCommandLineAreNotShown(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "x.pkr.hcl"), fmt.Sprintf(sensitiveTemplate, "list(number)"))
	for _, value := range []string{"fileSecret", `["fileSecret"]`, `["fileSecret`, "fileSecret()", "[fileSecret.x]"} {
		_, err := Parse(dir, Input{Values: []string{"password=" + value}})
		hidden(t, "-var "+value, err, "fileSecret")
		_, err = Parse(dir, Input{Environ: []string{"PKR_VAR_password=" + value}})
		hidden(t, "environment "+value, err, "fileSecret")
	}
	_, err := Parse(dir, Input{Values: []string{"fileSecret"}})
	hidden(t, "-var without a name", err, "fileSecret")
}

// TestShortSecretsAreWarnedOf: what cannot be hidden is said.
func TestShortSecretsAreWarnedOf(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "x.pkr.hcl"), fmt.Sprintf(sensitiveTemplate, "string"))
	for value, want := range map[string]bool{"ab": true, "abc": false, "": false} {
		template, err := Parse(dir, Input{Values: []string{"password=" + value}})
		if err != nil {
			t.Fatal(err)
		}
		if got := template.Warnings() != nil; got != want {
			t.Errorf("%q: warned of is %v", value, got)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// faultOf returns what is wrong with a template.
func faultOf(t *testing.T, path string, in Input) error {
	t.Helper()
	template, err := Parse(path, in)
	if err == nil {
		_, err = template.Plan(t.Context(), new(trace).registry(), Options{})
	}
	return err
}
