// Package qemu is the Packer builder "amigo-qemu": from a base, made of
// packages or taken ready-made, to a sealed disk with whatever the
// provisioners put on it.
package qemu

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/buildcache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Builder is the component.
type Builder struct {
	config Config
	plan   *bootstrap.Resolution // what packages the base has; nil: to be asked
}

var _ packersdk.Builder = (*Builder)(nil)

// ConfigSpec describes the configuration to Packer.
func (b *Builder) ConfigSpec() hcldec.ObjectSpec { return b.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration and names the data that a build generates.
func (b *Builder) Prepare(raws ...any) (generated, warnings []string, err error) {
	if err := b.config.Prepare(raws...); err != nil {
		return nil, nil, err
	}
	return []string{component.DataRootFS, component.DataAccelerator, component.DataBeside}, b.config.warnings(), nil
}

// Run builds the disk.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	sink := component.Sink(ui)
	if err := b.config.hasFirmware(); err != nil {
		return nil, err
	}
	c, release, err := buildcache.Open(sink)
	if err != nil {
		return nil, err
	}
	defer release()
	config, key, err := b.config.withKey()
	if err != nil {
		return nil, err
	}
	given := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	build := &build{config: &config, plan: b.plan, key: key, cache: c, sink: sink, cancel: cancel}
	build.stopped = func() bool { return given.Err() != nil }

	state := new(multistep.BasicStateBag)
	state.Put("ui", ui)
	state.Put("hook", hook)
	state.Put("debug", config.PackerDebug)
	state.Put("communicator_config", &config.Comm)
	state.Put("generated_data", map[string]any{})

	commonsteps.NewRunner(build.steps(), config.PackerConfig, ui).Run(ctx, state)
	if err := outcome(ctx, state); err != nil {
		return nil, err
	}
	return build.artifact(state), nil
}

func (b *build) steps() []multistep.Step {
	config := b.config
	return []multistep.Step{
		&stepAccelerate{b},
		&stepPrepareOutput{b},
		multistep.If(config.DiskImage != nil, &stepDownload{config.DiskImage}),
		&stepMakeBase{b},
		&stepBoot{b},
		&communicator.StepConnect{
			Config:    &config.Comm,
			Host:      func(multistep.StateBag) (string, error) { return b.sshHost(), nil },
			SSHPort:   func(multistep.StateBag) (int, error) { return b.sshPort() },
			SSHConfig: config.Comm.SSHConfigFunc(),
		},
		&stepProvision{build: b},
		&stepSeal{b},
		&stepShutdown{b},
		&stepFinish{b},
	}
}

// outcome returns why a run failed: the virtual machine's death before what
// came of it, and an error before a mere halt.
func outcome(ctx context.Context, state multistep.StateBag) error {
	var dead *deadError
	if errors.As(context.Cause(ctx), &dead) {
		return dead
	}
	if err, ok := state.GetOk("error"); ok {
		return explain(err.(error))
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the build was stopped: %w", context.Cause(ctx))
	}
	if _, ok := state.GetOk(multistep.StateCancelled); ok {
		return fmt.Errorf("the build was stopped: %w", context.Canceled)
	}
	if _, ok := state.GetOk(multistep.StateHalted); ok {
		return errors.New("the build was halted")
	}
	return nil
}

// explain gives an error of the SDK's own steps, which is only a text, its
// meaning.
func explain(err error) error {
	if strings.Contains(err.Error(), "hecksums did not match") {
		return &fault.Error{
			What:  "disk_image: the image is not the one that its checksum names",
			Where: err.Error(), Try: "the checksum beside the image where it is published", Code: fault.Verify, Err: err,
		}
	}
	return err
}
