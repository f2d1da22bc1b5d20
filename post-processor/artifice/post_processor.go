//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package artifice is the post-processor "artifice": its artifact is files that a step
// of the build has made. Its option is that of Packer's post-processor of this name.
package artifice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// BuilderID tells post-processors whose artifact they have: it is what Packer's says.
const BuilderID = "packer.post-processor.artifice"

// Config is the configuration of a post-processor "artifice".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The files, by name or by patterns like "out/*.ova".
	Files []string `mapstructure:"files" required:"true"`

	ctx interpolate.Context
}

// PostProcessor puts files in the artifact's place.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{PluginType: "artifice", Interpolate: true, InterpolateContext: &c.ctx}, raws...)
	if err != nil {
		return err
	}
	var faults []error
	if len(c.Files) == 0 {
		faults = append(faults, errors.New("files: it is missing"))
	}
	for _, pattern := range c.Files {
		if _, err := filepath.Match(pattern, ""); err != nil {
			faults = append(faults, fmt.Errorf("files: %q: %w", pattern, err))
		}
	}
	if len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

// PostProcess returns the files. The input stays, unless the template says that it is
// not to be kept.
func (p *PostProcessor) PostProcess(_ context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	if files := input.Files(); len(files) > 0 {
		ui.Sayf("instead of %s", strings.Join(files, ", "))
	}
	var made artifact
	for _, pattern := range p.config.Files {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, true, false, fmt.Errorf("files: %q: %w", pattern, err)
		}
		if len(found) == 0 {
			ui.Errorf("no file matches %s", pattern)
		}
		for _, name := range found {
			if !slices.Contains(made, name) {
				made = append(made, name)
			}
		}
	}
	if len(made) == 0 {
		return nil, true, false, fmt.Errorf("files: no file matches %s", strings.Join(p.config.Files, ", "))
	}
	ui.Say(strings.Join(made, ", "))
	return made, true, false, nil
}

// artifact is files, by their names.
type artifact []string

func (a artifact) BuilderId() string { return BuilderID }
func (a artifact) Files() []string   { return slices.Clone(a) }
func (a artifact) Id() string        { return "" }
func (a artifact) String() string    { return "files: " + strings.Join(a, ", ") }
func (a artifact) State(string) any  { return nil }

// Destroy removes the files, and a directory with all that is in it.
func (a artifact) Destroy() error {
	var errs []error
	for _, name := range a {
		errs = append(errs, os.RemoveAll(name))
	}
	return errors.Join(errs...)
}
