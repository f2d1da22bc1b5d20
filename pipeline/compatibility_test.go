package pipeline

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	functions "github.com/geneontology/packer-plugin-amigo/pipeline/function"
	"github.com/geneontology/packer-plugin-amigo/test/doctable"
)

const compatibility = "../docs/compatibility.md"

// told returns the names that the page lists below a heading, those that are not here
// included or not.
func listedBelow(t *testing.T, heading string, all bool) []string {
	t.Helper()
	names, err := doctable.Read(compatibility, heading)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(names, func(_, status string) bool { return status == doctable.No && !all })
	return slices.Sorted(maps.Keys(names))
}

// TestCompatibilityPage: the page lists the blocks, arguments and functions that there are.
func TestCompatibilityPage(t *testing.T) {
	var blocks []string
	for _, header := range rootSchema.Blocks {
		blocks = append(blocks, header.Type)
	}
	slices.Sort(blocks)
	if diff := cmp.Diff(blocks, listedBelow(t, "Blocks", true)); diff != "" {
		t.Errorf("blocks (-program +page):\n%s", diff)
	}

	arguments := []string{"required_version", "required_plugins", "validation", "condition", "error_message"}
	for _, schema := range []*hcl.BodySchema{variableSchema, localSchema, buildSchema, provisionerSchema, postProcessorSchema} {
		for _, a := range schema.Attributes {
			arguments = append(arguments, a.Name)
		}
		for _, b := range schema.Blocks {
			arguments = append(arguments, b.Type)
		}
	}
	slices.Sort(arguments)
	arguments = slices.DeleteFunc(slices.Compact(arguments), func(name string) bool { return name == hcpBlock })
	if diff := cmp.Diff(arguments, listedBelow(t, "Arguments", true)); diff != "" {
		t.Errorf("arguments (-program +page):\n%s", diff)
	}

	if diff := cmp.Diff(slices.Sorted(maps.Keys(functions.WithEnv("."))), listedBelow(t, "Functions", false)); diff != "" {
		t.Errorf("functions (-program +page):\n%s", diff)
	}
}
