//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package production is the Packer post-processor "amigo-production": from the
// distribution image to the image that serves, by a small set of changes.
package production

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/component/delivery"
	"github.com/geneontology/packer-plugin-amigo/internal/image/harden"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/post-processor/internal/image"
)

// Config is the configuration of a post-processor "amigo-production".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	delivery.Config     `mapstructure:",squash"`

	// When the machine restarts by itself if a security fix needs that, as one
	// of the kernel does: a time of day like "03:30". Default: it waits for its
	// operator, and says so at each login.
	AutomaticReboot string `mapstructure:"automatic_reboot"`

	// Where the changes are made: "host", natively in the image's root file system;
	// "guest", in a machine; or "auto", the first that is possible. Default: "auto".
	HardenOn string `mapstructure:"harden_on"`

	ctx interpolate.Context
}

// The places in which the changes are made.
const (
	auto  = "auto"
	host  = "host"
	guest = "guest"
)

// PostProcessor is the component.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration to Packer.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure decodes and checks the configuration. It reads nothing but it.
func (p *PostProcessor) Configure(raws ...any) error {
	p.config = Config{}
	err := config.Decode(&p.config, &config.DecodeOpts{
		PluginType: component.Production, Interpolate: true, InterpolateContext: &p.config.ctx,
	}, raws...)
	if err != nil {
		return err
	}
	faults := p.config.Prepare("output/production", component.Production)
	if err := field.Map(p.config.settings().Validate(), map[string]string{"Reboot": "automatic_reboot"}); err != nil {
		faults = append(faults, err)
	}
	p.config.HardenOn = cmp.Or(p.config.HardenOn, auto)
	if places := []string{auto, host, guest}; !slices.Contains(places, p.config.HardenOn) {
		faults = append(faults, errors.New("harden_on: "+nearest.Unknown(p.config.HardenOn, places)))
	}
	if len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

func (c *Config) settings() harden.Settings { return harden.Settings{Reboot: c.AutomaticReboot} }

// PostProcess makes the image. Its input, the distribution image, stays
// whatever the template says.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, artifact packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	made, err := p.process(ctx, component.Sink(ui), artifact)
	if err != nil {
		return nil, true, true, err
	}
	return made, true, true, nil
}

func (p *PostProcessor) process(ctx context.Context, sink event.Sink, artifact packersdk.Artifact) (packersdk.Artifact, error) {
	input, err := image.ReadInput(ctx, artifact)
	if err != nil {
		return nil, err
	}
	out, err := outdir.Create(p.config.OutputDirectory)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Discard() }()
	machine, err := image.Machine(ctx, p.config.Config, input, sink)
	if err != nil {
		return nil, err
	}
	run := &run{config: &p.config, input: input, out: out, machine: machine, sink: sink}
	delivered, err := run.make(ctx)
	if err != nil {
		return nil, err
	}
	return image.NewArtifact(component.Production, p.config.ImageName, input, delivered), nil
}

// Fingerprint returns a digest of all that decides what an input becomes.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) {
	changes, err := harden.Digest(p.config.settings())
	if err != nil {
		return "", err
	}
	return p.config.Fingerprint(component.Production, changes)
}
