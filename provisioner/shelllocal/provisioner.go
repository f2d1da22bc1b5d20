// Package shelllocal is the provisioner "shell-local": it runs commands on the
// host while the guest runs. Its options are those of Packer's provisioner of
// this name.
package shelllocal

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component/shelllocal"
)

// Provisioner runs commands on the host.
type Provisioner struct{ commands shelllocal.Commands }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec describes the configuration.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.commands.ConfigSpec() }

// Prepare checks the configuration.
func (p *Provisioner) Prepare(raws ...any) error { return p.commands.Prepare(raws...) }

// Provision runs the commands.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, _ packersdk.Communicator, data map[string]any) error {
	return p.commands.Run(ctx, ui, data)
}
