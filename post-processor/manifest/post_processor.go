//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package manifest is the post-processor "manifest": it lists the artifacts of
// builds in a JSON file. Options and file are those of Packer's post-processor
// of this name.
package manifest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
)

// Config is the configuration of a post-processor "manifest".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The file, "packer-manifest.json" by default. Builds are added to it.
	OutputPath string `mapstructure:"output"`
	// Leave the directories of files out.
	StripPath bool `mapstructure:"strip_path"`
	// Leave the time of the build out, so that the file can be compared.
	StripTime bool `mapstructure:"strip_time"`
	// What else to say of the build. {{.ID}} and all else that the builder told
	// is known in it.
	CustomData map[string]string `mapstructure:"custom_data"`

	ctx interpolate.Context
}

// PostProcessor lists artifacts.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{PluginType: "manifest", Interpolate: true, InterpolateContext: &c.ctx}, raws...)
	if err != nil {
		return err
	}
	if c.OutputPath == "" {
		c.OutputPath = "packer-manifest.json"
	}
	return nil
}

// PostProcess adds the artifact to the file and hands it on.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	entry, err := p.describe(ui, input)
	if err != nil {
		return nil, true, true, err
	}
	if err := add(ctx, p.config.OutputPath, entry, p.config.PackerForce); err != nil {
		return nil, true, true, fmt.Errorf("writing %s: %w", p.config.OutputPath, err)
	}
	ui.Say(p.config.OutputPath)
	return input, true, true, nil
}

func (p *PostProcessor) describe(ui packersdk.Ui, a packersdk.Artifact) (build, error) {
	custom, err := p.customData(component.GeneratedData(a))
	if err != nil {
		return build{}, err
	}
	b := build{
		Name:       p.config.PackerBuildName,
		Builder:    p.config.PackerBuilderType,
		ArtifactID: a.Id(),
		RunUUID:    os.Getenv("PACKER_RUN_UUID"),
		CustomData: custom,
	}
	if !p.config.StripTime {
		b.Time = time.Now().Unix()
	}
	for _, name := range a.Files() {
		var size int64
		if info, err := os.Stat(name); err != nil {
			ui.Errorf("its size is not known: %v", err) // it may be on another machine
		} else {
			size = info.Size()
		}
		if p.config.StripPath {
			name = filepath.Base(name)
		}
		b.Files = append(b.Files, listed{Name: name, Size: size})
	}
	return b, nil
}

// customData fills in what the build knows only now.
func (p *PostProcessor) customData(data map[string]any) (map[string]string, error) {
	if p.config.CustomData == nil {
		return nil, nil
	}
	ctx := p.config.ctx
	ctx.Data = data
	rendered := map[string]string{}
	for key, text := range p.config.CustomData {
		if strings.Contains(text, "{{") {
			var err error
			if text, err = interpolate.Render(text, &ctx); err != nil {
				return nil, fmt.Errorf("custom_data: %s: %w", key, err)
			}
		}
		rendered[key] = text
	}
	return rendered, nil
}
