// Package bootstrap makes a bootable disk of a Debian system from its signed
// package archive, natively: no virtual machine, no emulation, no loop device.
//
// A [Spec] is resolved to exact package versions, those become a tar of a root
// file system, and that becomes a disk that boots on BIOS and on UEFI. Both
// are cached by the digest of everything that they are made from.
package bootstrap

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Spec says what to bootstrap.
type Spec struct {
	Distribution string   // "debian"
	Release      string   // code name, like "bookworm"
	Mirror       string   // "": the apt sources of this host
	Packages     []string // beyond what every base has
	DiskSize     int64    // bytes
}

// minDiskSize leaves a megabyte's room beside the boot partitions and a small
// system.
const minDiskSize = 2 << 30

// basePackages is what a machine needs to boot, to get an address and to be
// reached. The kernel is [defaultKernel] unless the spec names one.
var basePackages = []string{
	"systemd", "systemd-sysv", "systemd-resolved", "dbus", "udev",
	"initramfs-tools", "zstd",
	"grub-pc-bin", "grub-efi-amd64-bin", "grub2-common",
	"openssh-server", "sudo", "ca-certificates", "e2fsprogs", "less", "procps",
	"iproute2", "login", "passwd", "util-linux",
}

// defaultKernel has the drivers of virtual machines only: a third of the size
// of the general one.
const defaultKernel = "linux-image-cloud-amd64"

var (
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	releaseName = regexp.MustCompile(`^[a-z]+$`)
	archiveURL  = regexp.MustCompile(`^(https?|file)://[!-~]+$`)
	kernelName  = regexp.MustCompile(`^linux-image-`)
)

// Validate returns every fault of s.
func (s Spec) Validate() error {
	var errs []error
	if s.Distribution != "debian" {
		errs = append(errs, field.Errorf("Distribution", "%q is not known (known: debian)", s.Distribution))
	}
	if !releaseName.MatchString(s.Release) {
		errs = append(errs, field.Errorf("Release", "%q is not the code name of a release, like bookworm", s.Release))
	}
	if err := checkArchive(s.Mirror); s.Mirror != "" && err != nil {
		errs = append(errs, field.Wrap("Mirror", err))
	}
	for _, name := range s.Packages {
		if !packageName.MatchString(name) {
			errs = append(errs, field.Errorf("Packages", "%q is not the name of a Debian package", name))
		}
	}
	if s.DiskSize < minDiskSize {
		errs = append(errs, field.Errorf("DiskSize", "%d bytes is too small (at least %d)", s.DiskSize, minDiskSize))
	}
	return errors.Join(errs...)
}

// checkArchive says why an image can't have an archive's address among its
// package sources.
func checkArchive(location string) error {
	switch {
	case address.HasSecret(location):
		return fmt.Errorf("%s holds a secret, which would be in the image (put it into /etc/apt/auth.conf.d on this host instead)", address.Shown(location))
	case !archiveURL.MatchString(location):
		return fmt.Errorf("%q is not the address of a package archive, like http://mirror.example.org/debian", location)
	}
	return nil
}

// packages returns all packages to install, sorted.
func (s Spec) packages() []string {
	all := slices.Concat(basePackages, s.Packages)
	if !slices.ContainsFunc(s.Packages, kernelName.MatchString) {
		all = append(all, defaultKernel)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
