package shelllocal

import (
	"os"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
)

func run(t *testing.T, config map[string]any) error {
	t.Helper()
	c := new(Commands)
	if err := c.Prepare(map[string]any{"packer_build_name": "b"}, config); err != nil {
		return err
	}
	return c.Run(t.Context(), packersdk.TestUi(t), map[string]any{"ID": "id-7", "PackerHTTPPort": "8000", "PackerHTTPIP": "ERR_HTTP_IP_NOT_IMPLEMENTED_BY_BUILDER"})
}

func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := executable.Write("s.sh", []byte("#!/bin/sh\necho \"$1\" >out")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, fault, out string
		config           map[string]any
	}{
		{"inline", "", "b it's x", map[string]any{"inline": []string{`echo "$PACKER_BUILD_NAME $A $B" >out`}, "environment_vars": []string{"A=it's"}, "env": map[string]string{"B": "x"}}},
		{"script", "", "id-7", map[string]any{"script": "s.sh", "execute_command": []string{"sh", "-c", "{{.Vars}} {{.Script}} {{.ID}}"}}},
		{"build's data", "", "id-7 8000", map[string]any{"inline": []string{"echo {{`{{.ID}}`}} $PACKER_HTTP_PORT$PACKER_HTTP_IP >out"}}},
		{"data in variables", "", "id-7", map[string]any{"inline": []string{`echo "$A" >out`}, "environment_vars": []string{"A={{`{{.ID}}`}}"}}},
		{"an old command", "", "x", map[string]any{"command": "echo x >out"}},
		{"a broken template", "inline: template", "", map[string]any{"inline": []string{"{{`{{`}}"}}},
		{"stops at the first", "inline script: exit status 1", "", map[string]any{"inline": []string{"false", "echo never >out"}}},
		{"other exit status", "", "x", map[string]any{"inline": []string{"echo x >out; exit 3"}, "valid_exit_codes": []int{3}}},
		{"not this one", "exit status 0", "", map[string]any{"inline": []string{"true"}, "valid_exit_codes": []int{3}}},
		{"other system", "", "", map[string]any{"inline": []string{"false"}, "only_on": []string{"windows"}}},
		{"nothing", "cannot all be empty", "", map[string]any{}},
	} {
		_ = os.Remove("out")
		err := run(t, c.config)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.fault)
		}
		if out, _ := os.ReadFile("out"); strings.TrimSpace(string(out)) != c.out {
			t.Errorf("%s: wrote %q, want %q", c.name, out, c.out)
		}
	}
}
