//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package file is the builder "file": its artifact is a file, a copy or one with a given
// content. Its options are those of Packer's builder of this name.
package file

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
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// BuilderID tells post-processors whose artifact they have: it is what Packer's says.
const BuilderID = "packer.file"

// Config is the configuration of a source "file".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The file to make. One that is there is replaced.
	Target string `mapstructure:"target" required:"true"`
	// The file to copy.
	Source string `mapstructure:"source"`
	// The content, instead of a source.
	Content string `mapstructure:"content"`

	ctx interpolate.Context
}

// Builder makes a file.
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
	var faults []error
	if c.Target == "" {
		faults = append(faults, errors.New("target: it is missing"))
	}
	if c.Source != "" && c.Content != "" {
		faults = append(faults, errors.New("source, content: give only one of them"))
	}
	if c.Source == "" && c.Content == "" {
		warnings = append(warnings, "neither source nor content is given: the file will be empty")
	}
	if len(faults) > 0 {
		return nil, warnings, packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil, warnings, nil
}

// Run makes the file, and runs the provisioners. They have no guest.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	c := b.config
	made := artifact(c.Target)
	if err := c.write(ctx); err != nil {
		return nil, err
	}
	ui.Say(c.Target)
	if hook != nil {
		data := map[string]any{"ID": made.Id(), "ConnType": component.NoGuest, "PackerRunUUID": os.Getenv("PACKER_RUN_UUID")}
		if err := hook.Run(ctx, packersdk.HookProvision, ui, noGuest{}, data); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (c Config) write(ctx context.Context) error {
	if c.Source == "" {
		return durable.WriteFile(c.Target, []byte(c.Content), 0o600)
	}
	f, err := regular.Open(c.Source)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer func() { _ = f.Close() }()
	if same(f, c.Target) {
		return fmt.Errorf("target: %s is the source", c.Target)
	}
	return durable.Stream(c.Target, 0o644, func(w io.Writer) error {
		if _, err := io.Copy(w, component.Until(ctx, f)); err != nil {
			return fmt.Errorf("copying %s: %w", c.Source, err)
		}
		return nil
	})
}

// same tells whether a file is the one of this name.
func same(f *os.File, name string) bool {
	this, err := f.Stat()
	other, otherErr := os.Stat(name)
	return err == nil && otherErr == nil && os.SameFile(this, other)
}

// artifact is a file, by its name.
type artifact string

func (a artifact) BuilderId() string { return BuilderID }
func (a artifact) Files() []string   { return []string{string(a)} }
func (a artifact) Id() string        { return "File" }
func (a artifact) String() string    { return "file: " + string(a) }
func (a artifact) State(string) any  { return nil }
func (a artifact) Destroy() error    { return os.Remove(string(a)) }

// noGuest is the communicator of a build without a guest.
type noGuest struct{}

var errNoGuest = errors.New("a source of type file has no guest")

func (noGuest) Start(context.Context, *packersdk.RemoteCmd) error { return errNoGuest }
func (noGuest) Upload(string, io.Reader, *os.FileInfo) error      { return errNoGuest }
func (noGuest) UploadDir(string, string, []string) error          { return errNoGuest }
func (noGuest) Download(string, io.Writer) error                  { return errNoGuest }
func (noGuest) DownloadDir(string, string, []string) error        { return errNoGuest }
