//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package file is the provisioner "file": it copies files to the guest or from
// it. Its options are those of Packer's provisioner of this name.
package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Config is the configuration of a provisioner "file".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// What to upload instead of a file.
	Content string `mapstructure:"content"`
	// The file or directory to copy. A directory whose name ends in a slash
	// is copied without itself.
	Source string `mapstructure:"source"`
	// Several sources.
	Sources []string `mapstructure:"sources"`
	// Where to copy to. A name that ends in a slash is a directory.
	Destination string `mapstructure:"destination" required:"true"`
	// "upload", which is the default, or "download".
	Direction string `mapstructure:"direction"`
	// The source is made by an earlier provisioner: do not look for it now.
	Generated bool `mapstructure:"generated"`

	ctx interpolate.Context
}

// Provisioner copies files.
type Provisioner struct{ config Config }

var _ packersdk.Provisioner = (*Provisioner)(nil)

// ConfigSpec describes the configuration.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare checks the configuration.
func (p *Provisioner) Prepare(raws ...any) error {
	c := &p.config
	err := config.Decode(c, &config.DecodeOpts{PluginType: "file", Interpolate: true, InterpolateContext: &c.ctx}, raws...)
	if err != nil {
		return err
	}
	if c.Direction == "" {
		c.Direction = "upload"
	}
	if c.Source != "" {
		c.Sources = append([]string{c.Source}, c.Sources...)
	}
	if faults := c.faults(); len(faults.Errors) > 0 {
		return faults
	}
	return nil
}

func (c *Config) faults() *packersdk.MultiError {
	var faults []error
	if c.Direction != "upload" && c.Direction != "download" {
		faults = append(faults, fmt.Errorf("direction: %q is neither upload nor download", c.Direction))
	}
	if c.Destination == "" {
		faults = append(faults, errors.New("destination: it is missing"))
	}
	if (len(c.Sources) > 0) == (c.Content != "") {
		faults = append(faults, errors.New("source, sources, content: give one of them"))
	}
	if c.Content != "" && c.Direction == "download" {
		faults = append(faults, errors.New("content: it cannot be downloaded"))
	}
	if c.Direction == "upload" && !c.Generated {
		for _, source := range c.Sources {
			if _, err := os.Stat(source); err != nil {
				faults = append(faults, fmt.Errorf("source: %w", err))
			}
		}
	}
	return packersdk.MultiErrorAppend(nil, faults...)
}

// Provision copies what the configuration says.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data map[string]any) error {
	if !component.HasGuest(data) {
		return errors.New("there is no guest to copy files to or from")
	}
	if p.config.Content != "" {
		ui.Sayf("content to %s", p.config.Destination)
		return wrap("uploading to", p.config.Destination,
			comm.Upload(p.config.Destination, strings.NewReader(p.config.Content), nil))
	}
	for _, source := range p.config.Sources {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		ui.Sayf("%s to %s", source, p.config.Destination)
		copyOne := p.upload
		if p.config.Direction == "download" {
			copyOne = p.download
		}
		if err := copyOne(comm, source); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provisioner) upload(comm packersdk.Communicator, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return wrap("uploading", source, err)
	}
	if info.IsDir() {
		return wrap("uploading", source, comm.UploadDir(p.config.Destination, source, nil))
	}
	f, err := regular.Open(source)
	if err != nil {
		return wrap("uploading", source, err)
	}
	defer func() { _ = f.Close() }()
	return wrap("uploading", source, comm.Upload(into(p.config.Destination, source), f, &info))
}

func (p *Provisioner) download(comm packersdk.Communicator, source string) error {
	target := into(p.config.Destination, source)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return wrap("downloading", source, err)
	}
	if strings.HasSuffix(source, "/") {
		return wrap("downloading", source, comm.DownloadDir(source, p.config.Destination, nil))
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".download-*")
	if err != nil {
		return wrap("downloading", source, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	err = errors.Join(comm.Download(source, f), f.Chmod(0o644), f.Close())
	if err != nil {
		return wrap("downloading", source, err)
	}
	return wrap("downloading", source, os.Rename(f.Name(), target))
}

// into is the file that source becomes at a destination.
func into(destination, source string) string {
	if strings.HasSuffix(destination, "/") {
		return destination + path.Base(filepath.ToSlash(source))
	}
	return destination
}

func wrap(doing, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, what, err)
}

// Fingerprint returns a digest of what is uploaded. What a download leaves
// behind is not part of the image, so a build with one is always run.
func (p *Provisioner) Fingerprint(ctx context.Context) (string, error) {
	if p.config.Direction == "download" || p.config.Generated {
		return "", errors.New("file: what is copied is known only in the build")
	}
	h := sha256.New()
	for _, source := range p.config.Sources {
		err := filepath.WalkDir(source, func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			return addFile(h, name, d)
		})
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", source, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func addFile(h io.Writer, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(h, "%q %v %d\n", name, info.Mode(), info.Size())
	if !info.Mode().IsRegular() {
		return nil
	}
	f, err := regular.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(h, f)
	return err
}
