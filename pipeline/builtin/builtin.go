// Package builtin has the components that Packer has in its own program, so that
// templates need no Packer.
package builtin

import (
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/post-processor/checksum"
	"github.com/geneontology/packer-plugin-amigo/post-processor/manifest"
	"github.com/geneontology/packer-plugin-amigo/post-processor/shelllocal"
	"github.com/geneontology/packer-plugin-amigo/provisioner/file"
	"github.com/geneontology/packer-plugin-amigo/provisioner/shell"
)

// Registry returns the built-in components by their names in templates.
func Registry() pipeline.Registry {
	return pipeline.Registry{
		Provisioners: map[string]pipeline.Factory[packersdk.Provisioner]{
			"shell": pipeline.Local(func() packersdk.Provisioner { return new(shell.Provisioner) }),
			"file":  pipeline.Local(func() packersdk.Provisioner { return new(file.Provisioner) }),
		},
		PostProcessors: map[string]pipeline.Factory[packersdk.PostProcessor]{
			"checksum":    pipeline.Local(func() packersdk.PostProcessor { return new(checksum.PostProcessor) }),
			"manifest":    pipeline.Local(func() packersdk.PostProcessor { return new(manifest.PostProcessor) }),
			"shell-local": pipeline.Local(func() packersdk.PostProcessor { return new(shelllocal.PostProcessor) }),
		},
	}
}
