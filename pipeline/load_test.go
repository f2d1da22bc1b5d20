package pipeline

import (
	"errors"
	"strings"
	"testing"
)

// TestGivenTemplate: a template need not be a file.
func TestGivenTemplate(t *testing.T) {
	text := func(string) ([]byte, error) {
		return []byte("source \"null\" \"a\" {}\nbuild { sources = [\"null.a\"] }"), nil
	}
	template, err := Parse("-", Input{Read: text})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.Plan(t.Context(), new(trace).registry(), Options{}); err != nil {
		t.Error(err)
	}
	for name, in := range map[string]Input{"nobody reads": {}, "it breaks": {Read: func(string) ([]byte, error) { return nil, errors.New("broken pipe") }}} {
		if _, err := Parse("-", in); err == nil {
			t.Error(name)
		}
	}
}

// TestLegacyTemplate: who has a template of the old kind is told what makes a new one.
func TestLegacyTemplate(t *testing.T) {
	path := t.TempDir() + "/old.json"
	writeFile(t, path, `{"builders": []}`)
	_, err := Parse(path, Input{})
	if err == nil || !strings.Contains(err.Error(), "packer hcl2_upgrade "+path) {
		t.Errorf("%v", err)
	}
}

// TestJSONTemplate: what Packer's HCL2 says in JSON is understood.
func TestJSONTemplate(t *testing.T) {
	path := t.TempDir() + "/t.pkr.json"
	writeFile(t, path, `{
  "variable": {"name": {"default": "world"}},
  "data": {"echo": {"d": {"text": "hello"}}},
  "source": {"null": {"a": {"content": "${data.echo.d.text} ${var.name}"}}},
  "build": {"sources": ["null.a"], "provisioner": [{"note": {"text": "one"}}, {"note": {"text": "two"}}]}
}`)
	tr := &trace{}
	template, err := Parse(path, Input{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	plan, err := template.Plan(t.Context(), tr.registry(), Options{})
	if err != nil {
		t.Fatal(told(t, err))
	}
	if _, err := plan.Run(t.Context(), RunOptions{Sink: tr}); err != nil || !strings.Contains(tr.String(), `content="hello world"`) || !strings.Contains(tr.String(), `"two"`) {
		t.Errorf("%v\n%s", err, tr)
	}
}
