//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package null is the builder "null": it runs provisioners on a machine that is there
// already, or on none. Its options are those of Packer's builder of this name.
package null

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
)

// BuilderID tells post-processors whose artifact they have: it is what Packer's says.
const BuilderID = "fnoeding.null"

// id is the artifact's, and the machine's for provisioners.
const id = "Null"

// Config is the configuration of a source "null".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	Comm                communicator.Config `mapstructure:",squash"`

	ctx interpolate.Context
}

// Builder connects to a machine and runs the provisioners.
type Builder struct{ config Config }

var _ packersdk.Builder = (*Builder)(nil)

// ConfigSpec describes the configuration.
func (b *Builder) ConfigSpec() hcldec.ObjectSpec { return b.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration.
func (b *Builder) Prepare(raws ...any) (generated, warnings []string, err error) {
	c := &b.config
	err = config.Decode(c, &config.DecodeOpts{PluginType: BuilderID, Interpolate: true, InterpolateContext: &c.ctx}, raws...)
	if err != nil {
		return nil, nil, err
	}
	faults := c.Comm.Prepare(&c.ctx)
	if c.Comm.Type != component.NoGuest {
		faults = append(faults, loginFaults(&c.Comm)...)
	}
	if len(faults) > 0 {
		return nil, nil, packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil, nil, nil
}

// loginFaults returns what is missing to log in, and what there is too much of. That the
// user is missing is the communicator's to say.
func loginFaults(c *communicator.Config) []error {
	prefix := "ssh"
	if c.Type == "winrm" {
		prefix = "winrm"
	}
	var faults []error
	if c.Host() == "" {
		faults = append(faults, fmt.Errorf("%s_host: it is missing (communicator = \"none\" needs none)", prefix))
	}
	if prefix == "winrm" {
		if c.Password() == "" {
			faults = append(faults, errors.New("winrm_password: it is missing"))
		}
		return faults
	}
	switch given(c.SSHAgentAuth, c.SSHPassword != "", c.SSHPrivateKeyFile != "") {
	case 0:
		faults = append(faults, errors.New("ssh_agent_auth, ssh_password, ssh_private_key_file: give one of them"))
	case 1:
	default:
		faults = append(faults, errors.New("ssh_agent_auth, ssh_password, ssh_private_key_file: give only one of them"))
	}
	return faults
}

func given(options ...bool) int {
	n := 0
	for _, is := range options {
		if is {
			n++
		}
	}
	return n
}

// Run connects, and runs the provisioners.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	c := &b.config
	state := new(multistep.BasicStateBag)
	state.Put("ui", ui)
	state.Put("hook", hook)
	state.Put("debug", c.PackerDebug)
	state.Put("instance_id", id)
	state.Put("communicator_config", &c.Comm)
	steps := []multistep.Step{
		&communicator.StepConnect{
			Config:    &c.Comm,
			Host:      func(multistep.StateBag) (string, error) { return c.Comm.Host(), nil },
			SSHConfig: c.Comm.SSHConfigFunc(),
		},
		new(commonsteps.StepProvision),
	}
	commonsteps.NewRunner(steps, c.PackerConfig, ui).Run(ctx, state)
	if err := outcome(ctx, state); err != nil {
		return nil, err
	}
	return artifact{}, nil
}

// outcome returns why a run failed.
func outcome(ctx context.Context, state multistep.StateBag) error {
	if err, ok := state.Get("error").(error); ok {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the build was stopped: %w", context.Cause(ctx))
	}
	if _, ok := state.GetOk(multistep.StateHalted); ok {
		return errors.New("the build was halted")
	}
	return nil
}

// artifact is that of a build that makes nothing.
type artifact struct{}

func (artifact) BuilderId() string { return BuilderID }
func (artifact) Files() []string   { return nil }
func (artifact) Id() string        { return id }
func (artifact) String() string    { return "nothing: the source is null" }
func (artifact) Destroy() error    { return nil }

func (artifact) State(name string) any {
	if name == "generated_data" {
		return map[string]any{"ID": id}
	}
	return nil
}
