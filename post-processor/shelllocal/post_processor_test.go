package shelllocal

import (
	"os"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
)

func TestPostProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := executable.Write("s.sh", []byte("#!/bin/sh\necho \"$A\" \"$1\" >out")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config     map[string]any
		fault, out string
	}{
		"inline":   {map[string]any{"inline": []string{"echo x >out"}}, "", "x"},
		"one word": {map[string]any{"script": "s.sh", "execute_command": []string{"{{.Vars}} {{.Script}} {{.ID}}"}, "env": map[string]string{"A": "a"}}, "", "a id-7"},
		"it fails": {map[string]any{"inline": []string{"exit 3"}}, "exit status 3", ""},
	} {
		_ = os.Remove("out")
		p := new(PostProcessor)
		if err := p.Configure(c.config); err != nil {
			t.Fatal(err)
		}
		in := &packersdk.MockArtifact{StateValues: map[string]any{"generated_data": map[any]any{"ID": "id-7"}}}
		made, keep, force, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if err == nil && made != in || !keep || !force {
			t.Errorf("%s: the artifact is not handed on: %v %v %v", name, made, keep, force)
		}
		if out, _ := os.ReadFile("out"); strings.TrimSpace(string(out)) != c.out {
			t.Errorf("%s: wrote %q, want %q", name, out, c.out)
		}
	}
	if err := new(PostProcessor).Configure(map[string]any{}); err == nil {
		t.Error("nothing is to run")
	}
}
