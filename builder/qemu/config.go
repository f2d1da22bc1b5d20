//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config,Bootstrap,DiskImage

package qemu

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/communicator"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Bootstrap makes the base from the distribution's package archive.
type Bootstrap struct {
	// The distribution, "debian" by default. Others that are known, "ubuntu", "centos",
	// "rocky", "almalinux", "opensuse-leap" and "opensuse-tumbleweed", have not been
	// built from their own archives yet.
	Distribution string `mapstructure:"distribution"`
	// The release, "trixie" of Debian by default. docs/guests.md has all that are known.
	Release string `mapstructure:"release"`
	// What the guest is for: "amigo", to build and to serve AmiGO and GOlr, and
	// "production", what only the production variant uses, switched off. What
	// they need is installed natively, as the distribution names it.
	Needs []string `mapstructure:"needs"`
	// Other packages to install natively.
	Packages []string `mapstructure:"packages"`
	// The mirror to install the release from. Without it the apt sources of
	// the host that are for the release, or Debian's own. Updates and security
	// fixes come from these in any case, for what is installed later, too. Of an RPM
	// distribution it is where all its own repositories are.
	Mirror string `mapstructure:"mirror"`
	// Addresses of single repositories of an RPM distribution, by their names, like
	// "epel".
	Repositories map[string]string `mapstructure:"repositories"`
}

// DiskImage takes a disk that somebody else made as the base. The build's key
// gets in as root by a systemd credential (systemd 252 or later) or by
// cloud-init, from a NoCloud seed; any other needs a login in ssh_* options.
type DiskImage struct {
	// A path, or a URL that is fetched once and cached.
	URL string `mapstructure:"url" required:"true"`
	// The image's checksum, like "sha256:...", or "none". What is made from a URL
	// with "none" cannot be foreseen, so it is always built.
	Checksum string `mapstructure:"checksum" required:"true"`
}

// Config is the configuration of a source "amigo-qemu".
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	Comm                communicator.Config `mapstructure:",squash"`

	// Make the base from packages. Exactly one of bootstrap and disk_image.
	Bootstrap *Bootstrap `mapstructure:"bootstrap"`
	// Take a ready-made disk as the base.
	DiskImage *DiskImage `mapstructure:"disk_image"`

	Hardware `mapstructure:",squash"`
	Storage  `mapstructure:",squash"`
	Reach    `mapstructure:",squash"`

	// The directory of the disk that is built, "output-NAME" by default. One
	// that an earlier build made is replaced, any other is an error.
	OutputDirectory string `mapstructure:"output_directory"`
	// The name of the disk's file without its extension, the build's name by
	// default.
	VMName string `mapstructure:"vm_name"`
	// Keep the disk when post-processors are done with it or have failed.
	KeepArtifact bool `mapstructure:"keep_artifact"`
	// Leave the guest on when a provisioner fails, tell how to log in, and wait until it is
	// shut down or the build is stopped.
	KeepOnFailure bool `mapstructure:"keep_on_failure"`
	// The command that shuts the guest down. Without it, and if it does not, the guest's
	// power button is pressed, and then systemd is asked.
	ShutdownCommand string `mapstructure:"shutdown_command"`
	// How long the guest may take to shut down, each way, "5m" by default.
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
	// Take the disk of a guest that does not shut down, as after a power cut, rather
	// than fail.
	AllowUncleanShutdown bool `mapstructure:"allow_unclean_shutdown"`

	ctx      interpolate.Context
	diskSize int64 // bytes
}

// Prepare decodes and checks the configuration. It reads nothing but it.
func (c *Config) Prepare(raws ...any) error {
	err := config.Decode(c, &config.DecodeOpts{
		PluginType: component.Builder, Interpolate: true, InterpolateContext: &c.ctx,
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"qemuargs"}},
	}, raws...)
	if err != nil {
		return err
	}
	c.setDefaults()
	var errs *packersdk.MultiError
	if err := c.checkEffect(); err != nil {
		errs = packersdk.MultiErrorAppend(errs, err)
	}
	errs = packersdk.MultiErrorAppend(errs, c.Comm.Prepare(&c.ctx)...)
	for _, check := range []func() error{c.checkSource, c.checkMachine, c.checkCommunicator} {
		if err := check(); err != nil {
			errs = packersdk.MultiErrorAppend(errs, err)
		}
	}
	if errs != nil && len(errs.Errors) > 0 {
		return errs
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Bootstrap != nil {
		c.Bootstrap.Distribution = cmp.Or(c.Bootstrap.Distribution, distro.Standard().Name)
		if d, err := distro.Find(c.Bootstrap.Distribution); err == nil {
			c.Bootstrap.Release = cmp.Or(c.Bootstrap.Release, d.Default)
		}
	}
	c.Hardware.setDefaults()
	c.DiskSize = cmp.Or(c.DiskSize, "8G")
	c.Format = cmp.Or(c.Format, "qcow2")
	c.OutputDirectory = cmp.Or(c.OutputDirectory, "output-"+c.PackerBuildName)
	c.VMName = cmp.Or(c.VMName, c.PackerBuildName)
	c.ShutdownTimeout = cmp.Or(c.ShutdownTimeout, 5*time.Minute)
	c.setCommDefaults()
}

// attributes are the names of the engine's fields in a template.
var attributes = map[string]string{
	"Distribution": "bootstrap.distribution", "Release": "bootstrap.release", "Mirror": "bootstrap.mirror", "Repositories": "bootstrap.repositories",
	"Architecture": "architecture", "Needs": "bootstrap.needs", "Packages": "bootstrap.packages", "DiskSize": "disk_size",
}

// hasFirmware finds out before anything is made whether the guest could boot on this host.
func (c *Config) hasFirmware() error {
	if c.Firmware != string(engine.UEFI) {
		return nil
	}
	_, err := engine.UEFIFirmware(c.arch())
	return err
}

// warnings are about what is right and may not work.
func (c *Config) warnings() []string {
	if c.Bootstrap == nil {
		return nil
	}
	d, err := distro.Find(c.Bootstrap.Distribution)
	if err != nil || !d.Untried {
		return nil
	}
	return []string{fmt.Sprintf("nobody has built %s from its own archive yet (see docs/guests.md)", d.Title)}
}

func (c *Config) checkSource() error {
	switch {
	case c.Bootstrap == nil && c.DiskImage == nil:
		return errors.New("bootstrap or disk_image: one of the two is needed")
	case c.Bootstrap != nil && c.DiskImage != nil:
		return errors.New("bootstrap and disk_image: only one of the two can be given")
	case c.DiskImage != nil:
		return c.DiskImage.check()
	}
	return nil
}

func (d *DiskImage) check() error {
	var errs []error
	if d.URL == "" {
		errs = append(errs, errors.New("disk_image.url: is missing"))
	}
	if d.Checksum == "" {
		errs = append(errs, errors.New(`disk_image.checksum: is missing (a checksum like "sha256:...", or "none")`))
	}
	return errors.Join(errs...)
}

func (c *Config) checkMachine() error {
	size, err := parseSize(c.DiskSize)
	c.diskSize = size
	errs := []error{field.Wrap("disk_size", err), c.Hardware.check(), c.Storage.check()}
	if _, err := arch.Find(c.Architecture); err != nil && c.Bootstrap == nil { // the table of guests knows which it has
		errs = append(errs, fmt.Errorf("architecture: %w", err))
	}
	if c.Bootstrap != nil && err == nil {
		errs = append(errs, field.Map(c.spec().Validate(), attributes))
	}
	return errors.Join(errs...)
}

// ownKey tells whether the build makes its own key to log in with.
func (c *Config) ownKey() bool {
	return c.Comm.SSHPassword == "" && c.Comm.SSHPrivateKeyFile == "" && !c.Comm.SSHAgentAuth
}

// withKey returns the settings of one build, and the key that the build makes
// to log in with, if it does. The builder's own settings stay: each of its
// builds has another key.
func (c *Config) withKey() (Config, *guest.Key, error) {
	own := *c
	if !c.ownKey() {
		return own, nil, nil
	}
	key, err := guest.NewKey("amigo-build")
	if err != nil {
		return own, nil, err
	}
	own.Comm.SSHPrivateKey = key.PEM
	return own, key, nil
}

func (c *Config) spec() bootstrap.Spec {
	return bootstrap.Spec{
		Distribution: c.Bootstrap.Distribution,
		Release:      c.Bootstrap.Release,
		Architecture: c.Architecture,
		Needs:        slices.Clone(c.Bootstrap.Needs),
		Mirror:       c.Bootstrap.Mirror,
		Repositories: maps.Clone(c.Bootstrap.Repositories),
		Packages:     slices.Clone(c.Bootstrap.Packages),
		DiskSize:     c.diskSize,
	}
}
