package spelling

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestBody looks two blocks deep.
func TestBody(t *testing.T) {
	file, diags := hclsyntax.ParseConfig([]byte("outer {\n  host = 1\n  prot = 2\n  innner {}\n  elsewhere = 3\n}\n"), "t.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	content, rest, diags := Body(file.Body).PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "outer"}}})
	if diags.HasErrors() || len(content.Blocks) != 1 || rest == nil {
		t.Fatalf("%v", diags)
	}
	_, diags = content.Blocks[0].Body.Content(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "host"}, {Name: "post"}, {Name: "port"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "inner"}},
	})
	got := map[string]bool{}
	for _, d := range diags {
		got[d.Detail] = true
	}
	for _, want := range []string{
		`An argument named "prot" is not expected here. Did you mean "port"?`,
		`An argument named "elsewhere" is not expected here.`,
		`Blocks of type "innner" are not expected here. Did you mean "inner"?`,
	} {
		if !got[want] {
			t.Errorf("no %s in %v", want, diags)
		}
	}
}
