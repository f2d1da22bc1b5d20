//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package breakpoint is the provisioner "breakpoint": the build waits until a
// person has had a look. Its options are those of Packer's provisioner of this
// name.
package breakpoint

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// Config is the configuration of a provisioner "breakpoint".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// What to tell the person.
	Note string `mapstructure:"note"`
	// Do not wait.
	Disable bool `mapstructure:"disable"`

	ctx interpolate.Context
}

// Provisioner waits for a person.
type Provisioner struct{ config Config }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec describes the configuration.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare reads the configuration.
func (p *Provisioner) Prepare(raws ...any) error {
	c := &p.config
	return config.Decode(c, &config.DecodeOpts{PluginType: "breakpoint", Interpolate: true, InterpolateContext: &c.ctx}, raws...)
}

// Provision waits for a person. Where nobody can be asked it goes on.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, _ packersdk.Communicator, _ map[string]any) error {
	if p.config.Disable {
		ui.Say(p.noted("breakpoint, disabled"))
		return nil
	}
	ui.Say(p.noted("breakpoint"))
	asked := make(chan error, 1)
	go func() { // nothing ends the question but an answer
		_, err := ui.Ask("Press enter to continue.")
		asked <- err
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-asked:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			ui.Errorf("the build continues: %v", err)
		}
		return nil
	}
}

// noted is text with the note.
func (p *Provisioner) noted(text string) string {
	if p.config.Note == "" {
		return text
	}
	return text + ": " + p.config.Note
}
