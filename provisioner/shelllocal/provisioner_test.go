package shelllocal

import (
	"os"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestProvision(t *testing.T) {
	t.Chdir(t.TempDir())
	p := new(Provisioner)
	core := map[string]any{"packer_build_name": "b", "packer_builder_type": "null"}
	if err := p.Prepare(core, map[string]any{"inline": []string{`echo "$PACKER_BUILD_NAME $PACKER_BUILDER_TYPE" >out`}}); err != nil {
		t.Fatal(err)
	}
	if err := p.Provision(t.Context(), packersdk.TestUi(t), nil, nil); err != nil {
		t.Fatal(err)
	}
	if out, err := os.ReadFile("out"); err != nil || string(out) != "b null\n" {
		t.Errorf("%q, %v", out, err)
	}
	if err := p.Prepare(map[string]any{"inline": []string{"x"}, "script": "y"}); err == nil || !strings.Contains(err.Error(), "only specify one") {
		t.Errorf("both are given: %v", err)
	}
}
