// Package builtin has the components that Packer has in its own program, so that
// templates need no Packer.
package builtin

import (
	"context"
	"errors"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	filebuilder "github.com/geneontology/packer-plugin-amigo/builder/file"
	nullbuilder "github.com/geneontology/packer-plugin-amigo/builder/null"
	"github.com/geneontology/packer-plugin-amigo/datasource/http"
	nulldata "github.com/geneontology/packer-plugin-amigo/datasource/null"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/post-processor/artifice"
	"github.com/geneontology/packer-plugin-amigo/post-processor/checksum"
	"github.com/geneontology/packer-plugin-amigo/post-processor/compress"
	"github.com/geneontology/packer-plugin-amigo/post-processor/manifest"
	localpost "github.com/geneontology/packer-plugin-amigo/post-processor/shelllocal"
	"github.com/geneontology/packer-plugin-amigo/provisioner/breakpoint"
	"github.com/geneontology/packer-plugin-amigo/provisioner/file"
	"github.com/geneontology/packer-plugin-amigo/provisioner/shell"
	"github.com/geneontology/packer-plugin-amigo/provisioner/shelllocal"
	"github.com/geneontology/packer-plugin-amigo/provisioner/sleep"
)

// Registry returns the built-in components by their names in templates. Those for Windows
// guests are refused.
func Registry() pipeline.Registry {
	return pipeline.Registry{
		Builders: map[string]pipeline.Factory[packersdk.Builder]{
			"null": pipeline.Local(func() packersdk.Builder { return new(nullbuilder.Builder) }),
			"file": pipeline.Local(func() packersdk.Builder { return new(filebuilder.Builder) }),
		},
		Provisioners: map[string]pipeline.Factory[packersdk.Provisioner]{
			"shell":           pipeline.Local(func() packersdk.Provisioner { return new(shell.Provisioner) }),
			"shell-local":     pipeline.Local(func() packersdk.Provisioner { return new(shelllocal.Provisioner) }),
			"file":            pipeline.Local(func() packersdk.Provisioner { return new(file.Provisioner) }),
			"sleep":           pipeline.Local(func() packersdk.Provisioner { return new(sleep.Provisioner) }),
			"breakpoint":      pipeline.Local(func() packersdk.Provisioner { return new(breakpoint.Provisioner) }),
			"powershell":      forWindows,
			"windows-shell":   forWindows,
			"windows-restart": forWindows,
		},
		PostProcessors: map[string]pipeline.Factory[packersdk.PostProcessor]{
			"artifice":    pipeline.Local(func() packersdk.PostProcessor { return new(artifice.PostProcessor) }),
			"checksum":    pipeline.Local(func() packersdk.PostProcessor { return new(checksum.PostProcessor) }),
			"compress":    pipeline.Local(func() packersdk.PostProcessor { return new(compress.PostProcessor) }),
			"manifest":    pipeline.Local(func() packersdk.PostProcessor { return new(manifest.PostProcessor) }),
			"shell-local": pipeline.Local(func() packersdk.PostProcessor { return new(localpost.PostProcessor) }),
		},
		DataSources: map[string]pipeline.Factory[packersdk.Datasource]{
			"null": pipeline.Local(func() packersdk.Datasource { return new(nulldata.Datasource) }),
			"http": func(ctx context.Context) (packersdk.Datasource, error) { return http.New(ctx), nil },
		},
	}
}

// forWindows makes nothing: there is no Windows guest here to try a provisioner on.
func forWindows(context.Context) (packersdk.Provisioner, error) {
	return nil, errors.New("provisioners for Windows guests are not built in: use Packer for Windows guests")
}
