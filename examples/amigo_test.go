// Package examples checks that the examples are taken as a clone has them.
package examples

import (
	"os"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/builder/qemu"
	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/post-processor/distribution"
	"github.com/geneontology/packer-plugin-amigo/post-processor/production"
	"github.com/geneontology/packer-plugin-amigo/provisioner/amigo"
)

// TestAmiGO: the template is valid with nothing set and nothing fetched.
func TestAmiGO(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	template, err := pipeline.Parse("amigo", pipeline.Input{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(registry(), pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan.Close()
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("in the cache is %v, %v", left, err)
	}
}

func registry() pipeline.Registry {
	return pipeline.Registry{
		Builders:     map[string]func() packersdk.Builder{component.Builder: func() packersdk.Builder { return new(qemu.Builder) }},
		Provisioners: map[string]func() packersdk.Provisioner{component.Provisioner: func() packersdk.Provisioner { return new(amigo.Provisioner) }},
		PostProcessors: map[string]func() packersdk.PostProcessor{
			component.Distribution: func() packersdk.PostProcessor { return new(distribution.PostProcessor) },
			component.Production:   func() packersdk.PostProcessor { return new(production.PostProcessor) },
		},
	}
}
