//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config

// Package publish is the Packer post-processor "amigo-publish": it makes images
// a version of an image repository and moves a channel to it.
package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Config is the configuration of a post-processor "amigo-publish".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// Where the images go: a directory, or a `file://`, `s3://`, `gs://` or
	// `azblob://` URL. Credentials come from where each store's own tools take
	// them.
	Repository string `mapstructure:"repository" required:"true"`
	// The channel that moves to the new version; `nightly` by default.
	Channel string `mapstructure:"channel"`
	// The version's name; the day's date by default, and `.2` if that is taken.
	Version string `mapstructure:"version"`
	// The directories of all images of the version; by default that of the
	// input. A version has both variants when both directories are named, in the
	// last post-processor of the chain.
	Directories []string `mapstructure:"directories"`
	// The directory of the keys; `$XDG_CONFIG_HOME/amigo-image/keys` by default.
	// `amigo-image keys init` makes it.
	Keys string `mapstructure:"keys"`
	// Where the public reads the repository: what is uploaded is read back from
	// this URL, and the page has lines with it. The page remembers it.
	PublicURL string `mapstructure:"public_url"`
	// What the names of the published files begin with; as before by default, or
	// `amigo`.
	Product string `mapstructure:"product"`
	// Why, for the channel's history.
	Reason string `mapstructure:"reason"`
	// How long to wait for another publisher; `10m` by default.
	Wait string `mapstructure:"wait"`
	// Publish to a store that cannot keep two publishers apart.
	SinglePublisher bool `mapstructure:"single_publisher"`

	wait time.Duration
	ctx  interpolate.Context
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
		PluginType: component.Publish, Interpolate: true, InterpolateContext: &p.config.ctx,
	}, raws...)
	if err != nil {
		return err
	}
	if faults := p.config.prepare(); len(faults) > 0 {
		return packersdk.MultiErrorAppend(nil, faults...)
	}
	return nil
}

// prepare fills in defaults and returns what is wrong.
func (c *Config) prepare() (faults []error) {
	c.Channel = cmp.Or(c.Channel, "nightly")
	if c.Repository == "" {
		faults = append(faults, errors.New("repository: it is required, such as \"file:///srv/www/images\""))
	} else if _, err := address.Parse(c.Repository); err != nil {
		faults = append(faults, fmt.Errorf("repository: %w", err))
	}
	if err := layout.CheckChannel(c.Channel); err != nil {
		faults = append(faults, fmt.Errorf("channel: %w", err))
	}
	if c.Version != "" {
		if err := layout.CheckVersion(c.Version); err != nil {
			faults = append(faults, fmt.Errorf("version: %w", err))
		}
	}
	var err error
	if c.wait, err = time.ParseDuration(cmp.Or(c.Wait, "10m")); err != nil {
		faults = append(faults, fmt.Errorf("wait: %w", err))
	}
	return faults
}

// PostProcess publishes. The images stay.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, input packersdk.Artifact) (packersdk.Artifact, bool, bool, error) {
	published, err := p.publish(ctx, component.Sink(ui), input)
	if err != nil {
		return nil, true, true, err
	}
	return &artifact{Artifact: input, repository: address.Shown(p.config.Repository), published: published}, true, true, nil
}

func (p *PostProcessor) publish(ctx context.Context, sink event.Sink, input packersdk.Artifact) (repository.Published, error) {
	dirs, err := p.directories(input)
	if err != nil {
		return repository.Published{}, err
	}
	ring, err := p.ring()
	if err != nil {
		return repository.Published{}, err
	}
	r, err := repository.Open(ctx, p.config.Repository, ring, repository.Options{
		Product: p.config.Product, PublicURL: p.config.PublicURL, Wait: p.config.wait,
		SinglePublisher: p.config.SinglePublisher, Sink: sink,
	})
	if err != nil {
		return repository.Published{}, err
	}
	defer func() { _ = r.Close() }()
	return r.Publish(ctx, repository.Release{
		Directories: dirs, Channel: p.config.Channel, Version: p.config.Version, Reason: p.config.Reason,
	})
}

// directories returns where the images are: as set, or with the input.
func (p *PostProcessor) directories(input packersdk.Artifact) ([]string, error) {
	if len(p.config.Directories) > 0 {
		return p.config.Directories, nil
	}
	for _, file := range input.Files() {
		if filepath.Base(file) == manifest.FileName {
			return []string{filepath.Dir(file)}, nil
		}
	}
	return nil, errors.New("the input is not a finished image (put it after amigo-distribution or amigo-production, or set directories)")
}

func (p *PostProcessor) ring() (*tuf.Ring, error) {
	dir := p.config.Keys
	if dir == "" {
		var err error
		if dir, err = tuf.DefaultDir(); err != nil {
			return nil, err
		}
	}
	ring, err := tuf.OpenRing(dir)
	if err != nil {
		return nil, fmt.Errorf("%w (make keys with amigo-image keys init)", err)
	}
	return ring, nil
}

// Fingerprint returns a digest of all that decides where an input goes.
func (p *PostProcessor) Fingerprint(context.Context) (string, error) {
	c := p.config
	content, err := json.Marshal([]any{component.Publish, c.Repository, c.Channel, c.Version, c.Directories, c.Product, c.PublicURL})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

// artifact is a published version. Its files are those of the input.
type artifact struct {
	packersdk.Artifact
	repository string
	published  repository.Published
}

// BuilderId names the kind of artifact.
func (*artifact) BuilderId() string { return "geneontology." + component.Publish }

// Id returns the channel and the version.
func (a *artifact) Id() string { return a.published.Channel + "@" + a.published.Version }

func (a *artifact) String() string {
	if a.published.Unchanged {
		return fmt.Sprintf("nothing new: %s of %s is at %s", a.published.Channel, a.repository, a.published.Version)
	}
	return fmt.Sprintf("published: %s of %s is at %s", a.published.Channel, a.repository, a.published.Version)
}

// Destroy does nothing: what is published stays, and the input is kept.
func (*artifact) Destroy() error { return nil }
