//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package sleep is the provisioner "sleep": it waits. Its option is that of
// Packer's provisioner of this name.
package sleep

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// Config is the configuration of a provisioner "sleep".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// How long to wait, like "30s".
	Duration time.Duration `mapstructure:"duration"`

	ctx interpolate.Context
}

// Provisioner waits.
type Provisioner struct{ config Config }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec describes the configuration.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration.
func (p *Provisioner) Prepare(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{PluginType: "sleep", Interpolate: true, InterpolateContext: &c.ctx}, raws...)
	if err != nil {
		return err
	}
	if c.Duration < 0 {
		return fmt.Errorf("duration: %s is negative", c.Duration)
	}
	return nil
}

// Provision waits.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, _ packersdk.Communicator, _ map[string]any) error {
	ui.Sayf("waiting %s", p.config.Duration)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(p.config.Duration):
		return nil
	}
}

// Fingerprint says that the configuration decides everything.
func (p *Provisioner) Fingerprint(context.Context) (string, error) { return "sleep 1", nil }
