//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config,Output

// Package null is the data source "null": its output is its input. Its option is that of
// Packer's data source of this name.
package null

import (
	"errors"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/hcl2helper"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"
)

// Config is the configuration of a data source "null".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// What the output will be.
	Input string `mapstructure:"input" required:"true"`
}

// Output is what templates can read.
type Output struct {
	// The input.
	Output string `mapstructure:"output"`
}

// Datasource gives its input.
type Datasource struct{ config Config }

var _ packersdk.Datasource = (*Datasource)(nil)

// ConfigSpec describes the configuration.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec describes the output.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec { return new(Output).FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (d *Datasource) Configure(raws ...any) error {
	if err := config.Decode(&d.config, nil, raws...); err != nil {
		return err
	}
	if d.config.Input == "" {
		return errors.New("input: it is missing")
	}
	return nil
}

// Execute returns the output.
func (d *Datasource) Execute() (cty.Value, error) {
	return hcl2helper.HCL2ValueFromConfig(Output{Output: d.config.Input}, d.OutputSpec()), nil
}
