// Package amigo has this project's own components: those that build images of AmiGO.
package amigo

import (
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/builder/qemu"
	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/post-processor/data"
	"github.com/geneontology/packer-plugin-amigo/post-processor/distribution"
	"github.com/geneontology/packer-plugin-amigo/post-processor/production"
	"github.com/geneontology/packer-plugin-amigo/post-processor/publish"
	"github.com/geneontology/packer-plugin-amigo/provisioner/amigo"
)

// Registry returns the components by their names in templates.
func Registry() pipeline.Registry {
	return pipeline.Registry{
		Builders: map[string]pipeline.Factory[packersdk.Builder]{
			component.Builder: pipeline.Local(func() packersdk.Builder { return new(qemu.Builder) }),
		},
		Provisioners: map[string]pipeline.Factory[packersdk.Provisioner]{
			component.Provisioner: pipeline.Local(func() packersdk.Provisioner { return new(amigo.Provisioner) }),
		},
		PostProcessors: map[string]pipeline.Factory[packersdk.PostProcessor]{
			component.Data:         pipeline.Local(func() packersdk.PostProcessor { return new(data.PostProcessor) }),
			component.Distribution: pipeline.Local(func() packersdk.PostProcessor { return new(distribution.PostProcessor) }),
			component.Production:   pipeline.Local(func() packersdk.PostProcessor { return new(production.PostProcessor) }),
			component.Publish:      pipeline.Local(func() packersdk.PostProcessor { return new(publish.PostProcessor) }),
		},
	}
}
