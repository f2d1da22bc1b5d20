//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package distribution is the Packer post-processor "amigo-distribution": from
// a sealed disk to the image that is given away, compact, checked and tested.
package distribution

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/delivery"
	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/post-processor/internal/image"
)

// Config is the configuration of a post-processor "amigo-distribution".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	delivery.Config     `mapstructure:",squash"`

	ctx interpolate.Context
}

// PostProcessor is the component.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration to Packer.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure decodes and checks the configuration. It reads nothing but it.
func (p *PostProcessor) Configure(raws ...any) error {
	p.config = Config{}
	err := config.Decode(&p.config, &config.DecodeOpts{
		PluginType: component.Distribution, Interpolate: true, InterpolateContext: &p.config.ctx,
	}, raws...)
	if err != nil {
		return err
	}
	if faults := p.config.Prepare("output/distribution", component.Distribution); len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

// PostProcess makes the image. Its input is an intermediate, which nobody
// needs once the image is there.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, artifact packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	input, err := image.ReadInput(ctx, artifact)
	if err != nil {
		return nil, false, false, err
	}
	delivered, err := p.deliver(ctx, input, component.Sink(ui))
	if err != nil {
		return nil, false, false, err
	}
	return image.NewArtifact(component.Distribution, p.config.ImageName, input, delivered), false, false, nil
}

func (p *PostProcessor) deliver(ctx context.Context, input image.Input, sink event.Sink) (deliver.Delivery, error) {
	out, err := outdir.Create(p.config.OutputDirectory)
	if err != nil {
		return deliver.Delivery{}, err
	}
	defer func() { _ = out.Discard() }()
	machine, err := image.Machine(ctx, p.config.Config, input, sink)
	if err != nil {
		return deliver.Delivery{}, err
	}
	firmwares, err := image.Firmwares(p.config.Config, input.Arch)
	if err != nil {
		return deliver.Delivery{}, err
	}
	tool, err := image.Tool(ctx, input.Arch)
	if err != nil {
		return deliver.Delivery{}, err
	}
	return deliver.Run(ctx, deliver.Order{
		Format: "qcow2",
		Name:   p.config.ImageName, Variant: boottest.Distribution, Source: input.Disk, Data: input.Data.Path,
		Machine: machine, Firmwares: firmwares, KeepEvidence: p.config.KeepEvidence,
		Base: input.Base, Tool: tool,
	}, out, sink)
}

// Fingerprint returns a digest of all that decides what an input becomes.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) {
	return p.config.Fingerprint(component.Distribution)
}
