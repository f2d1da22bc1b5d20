//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package data is the Packer post-processor "amigo-data": from the disk with GOlr's data,
// where they are apart from the system, to the image that is given away.
package data

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/delivery"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/post-processor/internal/image"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// Config is the configuration of a post-processor "amigo-data".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The directory of the image. One that an earlier build made is replaced
	// when the new image is whole; any other is an error. Default: "output/data".
	OutputDirectory string `mapstructure:"output_directory"`
	// The image's name; its disk is this with ".qcow2". Default: "amigo-data".
	ImageName string `mapstructure:"image_name"`

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
		PluginType: component.Data, Interpolate: true, InterpolateContext: &p.config.ctx,
	}, raws...)
	if err != nil {
		return err
	}
	p.config.OutputDirectory = cmp.Or(p.config.OutputDirectory, "output/data")
	p.config.ImageName = cmp.Or(p.config.ImageName, component.Data)
	return delivery.CheckName(p.config.ImageName)
}

// PostProcess makes the image. Without data of their own there is none.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, artifact packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	disk, err := component.DataDiskOf(artifact)
	if err != nil {
		return nil, true, true, err
	}
	if disk.Path == "" {
		ui.Say("the data are in the image of the system: there is no image of data")
		return nil, false, false, nil
	}
	delivered, err := p.deliver(ctx, disk, component.Sink(ui))
	if err != nil {
		return nil, true, true, err
	}
	return image.NewArtifact(component.Data, p.config.ImageName, image.Input{}, delivered), false, false, nil
}

func (p *PostProcessor) deliver(ctx context.Context, disk component.DataDisk, sink event.Sink) (deliver.Delivery, error) {
	var golr manifest.GOlr
	if err := json.Unmarshal(disk.GOlr, &golr); err != nil {
		return deliver.Delivery{}, fmt.Errorf("reading what the data are: %w", err)
	}
	out, err := outdir.Create(p.config.OutputDirectory)
	if err != nil {
		return deliver.Delivery{}, err
	}
	defer func() { _ = out.Discard() }()
	return deliver.RunData(ctx, deliver.DataOrder{
		Name: p.config.ImageName, Source: disk.Path, GOlr: golr,
		Tool: manifest.Tool{Name: "packer-plugin-amigo", Version: version.String()},
	}, out, sink)
}

// Fingerprint returns a digest of all that decides what an input becomes.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) {
	return cache.Key(component.Data, p.config.OutputDirectory, p.config.ImageName, fmt.Sprint(manifest.Schema)), nil
}
