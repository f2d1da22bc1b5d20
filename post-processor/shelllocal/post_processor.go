// Package shelllocal is the post-processor "shell-local": it runs commands on
// the host when an artifact is there. Its options are those of Packer's
// post-processor of this name.
package shelllocal

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/shelllocal"
)

// PostProcessor runs commands on the host.
type PostProcessor struct{ commands shelllocal.Commands }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.commands.ConfigSpec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	if err := p.commands.Prepare(raws...); err != nil {
		return err
	}
	p.commands.InShell()
	return nil
}

// PostProcess runs the commands and hands the artifact on.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	if err := p.commands.Run(ctx, ui, component.GeneratedData(input)); err != nil {
		return nil, true, true, err
	}
	return input, true, true, nil
}
