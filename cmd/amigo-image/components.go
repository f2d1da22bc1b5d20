package main

import (
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/builder/qemu"
	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/post-processor/checksum"
	"github.com/geneontology/packer-plugin-amigo/post-processor/distribution"
	"github.com/geneontology/packer-plugin-amigo/post-processor/manifest"
	"github.com/geneontology/packer-plugin-amigo/post-processor/production"
	"github.com/geneontology/packer-plugin-amigo/post-processor/publish"
	"github.com/geneontology/packer-plugin-amigo/post-processor/shelllocal"
	"github.com/geneontology/packer-plugin-amigo/provisioner/amigo"
	"github.com/geneontology/packer-plugin-amigo/provisioner/file"
	"github.com/geneontology/packer-plugin-amigo/provisioner/shell"
)

// registry returns the components that templates can use: the plugin's own,
// and those that Packer has in its own program.
func registry() pipeline.Registry {
	return pipeline.Registry{
		Builders: map[string]func() packersdk.Builder{
			component.Builder: func() packersdk.Builder { return new(qemu.Builder) },
		},
		Provisioners: map[string]func() packersdk.Provisioner{
			component.Provisioner: func() packersdk.Provisioner { return new(amigo.Provisioner) },
			"shell":               func() packersdk.Provisioner { return new(shell.Provisioner) },
			"file":                func() packersdk.Provisioner { return new(file.Provisioner) },
		},
		PostProcessors: map[string]func() packersdk.PostProcessor{
			component.Distribution: func() packersdk.PostProcessor { return new(distribution.PostProcessor) },
			component.Production:   func() packersdk.PostProcessor { return new(production.PostProcessor) },
			component.Publish:      func() packersdk.PostProcessor { return new(publish.PostProcessor) },
			"checksum":             func() packersdk.PostProcessor { return new(checksum.PostProcessor) },
			"manifest":             func() packersdk.PostProcessor { return new(manifest.PostProcessor) },
			"shell-local":          func() packersdk.PostProcessor { return new(shelllocal.PostProcessor) },
		},
	}
}
