// Package examples checks that the examples are taken as a clone has them.
package examples

import (
	"os"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/amigo"
)

// TestTemplates: they are valid with nothing set and nothing fetched.
func TestTemplates(t *testing.T) {
	for _, dir := range []string{"amigo", "architectures", "many"} {
		t.Run(dir, func(t *testing.T) {
			cache := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", cache)
			template, err := pipeline.Parse(dir, pipeline.Input{})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := template.Plan(t.Context(), amigo.Registry(), pipeline.Options{})
			if err != nil {
				t.Fatal(err)
			}
			plan.Close()
			if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
				t.Errorf("in the cache is %v, %v", left, err)
			}
		})
	}
}
