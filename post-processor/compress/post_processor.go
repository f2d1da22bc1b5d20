//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package compress is the post-processor "compress": it makes one archive, or one
// compressed file, of an artifact's files. Its options are those of Packer's
// post-processor of this name.
package compress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
)

// BuilderID tells post-processors whose artifact they have: it is what Packer's says.
const BuilderID = "packer.post-processor.compress"

// Config is the configuration of a post-processor "compress".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The file to make, "packer_{{.BuildName}}_{{.BuilderType}}" by default. How
	// its name ends says what it will be: .tar, .zip, or .gz, .bgzf, .bz2, .lz4 or
	// .xz, with .tar before it for more than one file. Any other name is that of a
	// .tar.gz.
	OutputPath string `mapstructure:"output"`
	// What the file will be, whatever its name: "tar.gz", "zip" and so on.
	Format string `mapstructure:"format"`
	// 1, fast, to 9, small; by default what the format has in the middle.
	CompressionLevel int `mapstructure:"compression_level"`

	ctx    interpolate.Context
	format format
}

// PostProcessor compresses.
type PostProcessor struct{ config Config }

var _ packersdk.PostProcessor = (*PostProcessor)(nil)

// ConfigSpec describes the configuration.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure checks the configuration.
func (p *PostProcessor) Configure(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{
		PluginType: "compress", Interpolate: true, InterpolateContext: &c.ctx,
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"output"}},
	}, raws...)
	if err != nil {
		return err
	}
	if c.OutputPath == "" {
		c.OutputPath = "packer_{{.BuildName}}_{{.BuilderType}}"
	}
	var faults []error
	if c.CompressionLevel < -1 {
		faults = append(faults, fmt.Errorf("compression_level: %d is not from 1 to 9", c.CompressionLevel))
	}
	c.CompressionLevel = min(c.CompressionLevel, 9)
	c.format, _ = formatOf(c.OutputPath)
	if c.Format != "" {
		var known bool
		if c.format, known = formatOf("." + c.Format); !known {
			faults = append(faults, fmt.Errorf("format: %q is not known", c.Format))
		}
	}
	if len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

// PostProcess makes the file. The input is not kept, unless the template says so.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	c := p.config
	data := component.GeneratedData(input)
	data["BuildName"], data["BuilderType"] = c.PackerBuildName, c.PackerBuilderType
	c.ctx.Data = data
	target, err := interpolate.Render(c.OutputPath, &c.ctx)
	if err != nil {
		return nil, false, false, fmt.Errorf("output: %w", err)
	}
	files := input.Files()
	if err := c.check(target, files); err != nil {
		return nil, false, false, err
	}
	err = durable.Stream(target, 0o644, func(w io.Writer) error {
		return c.format.write(ctx, w, c.CompressionLevel, files)
	})
	if err != nil {
		return nil, false, false, err
	}
	ui.Say(target)
	return artifact(target), false, false, nil
}

// check tells what cannot be compressed.
func (c Config) check(target string, files []string) error {
	if len(files) == 0 {
		return errors.New("the artifact has no files to compress")
	}
	if c.format.archive == nil && len(files) != 1 {
		return fmt.Errorf("output: %s is for one file, and the artifact has %d (end it in .tar%s, or in .zip)", target, len(files), c.format.ending)
	}
	there, err := os.Stat(target)
	if err != nil {
		return nil //nolint:nilerr // it will be made
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && os.SameFile(info, there) {
			return fmt.Errorf("output: %s is a file of the artifact", target)
		}
	}
	return nil
}

// Fingerprint says that the configuration and the artifact decide everything.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) { return "compress 1", nil }

// artifact is the file, by its name.
type artifact string

func (a artifact) BuilderId() string { return BuilderID }
func (a artifact) Files() []string   { return []string{string(a)} }
func (a artifact) Id() string        { return "" }
func (a artifact) String() string    { return "compressed: " + string(a) }
func (a artifact) State(string) any  { return nil }
func (a artifact) Destroy() error    { return os.Remove(string(a)) }
