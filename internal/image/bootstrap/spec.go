// Package bootstrap makes a bootable disk of a distribution from its signed
// package archive, natively: no virtual machine, no emulation, no loop device.
//
// A [Spec] is resolved to exact package versions, those become a tar of a root
// file system, and that becomes a disk that boots on BIOS and on UEFI. Both
// are cached by the digest of everything that they are made from.
package bootstrap

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// Spec says what to bootstrap.
type Spec struct {
	Distribution string // as package distro has it: "debian"
	Release      string // as the distribution names it: "bookworm"
	Architecture string // as Go names it: "amd64"
	Mirror       string // "": the sources of this host or the distribution
	// Repositories are addresses in the place of those of RPM repositories, by their names.
	Repositories map[string]string
	Needs        []string // what it is for, as package distro has it: "amigo"
	Packages     []string // beyond these
	DiskSize     int64    // bytes
}

// minDiskSize leaves a megabyte's room beside the boot partitions and a small
// system.
const minDiskSize = 2 << 30

var archiveURL = regexp.MustCompile(`^(https?|file)://[!-~]+$`)

// Validate returns every fault of s.
func (s Spec) Validate() error {
	var errs []error
	if _, err := s.packages(); err != nil {
		errs = append(errs, err)
	}
	if err := checkArchive(s.Mirror); s.Mirror != "" && err != nil {
		errs = append(errs, field.Wrap("Mirror", err))
	}
	errs = append(errs, s.checkRepositories())
	for _, name := range s.Packages {
		if !distro.IsPackageName(name) {
			errs = append(errs, field.Errorf("Packages", "%q is not the name of a package", name))
		}
	}
	if s.DiskSize < minDiskSize {
		errs = append(errs, field.Errorf("DiskSize", "%d bytes is too small (at least %d)", s.DiskSize, minDiskSize))
	}
	return errors.Join(errs...)
}

// checkRepositories says which of the repositories there are not, or can't be.
func (s Spec) checkRepositories() error {
	g, err := s.guest()
	if err != nil {
		return nil //nolint:nilerr // it is told already
	}
	var known []string
	for _, r := range g.Repositories {
		known = append(known, r.Name)
	}
	if len(known) == 0 && len(s.Repositories) > 0 {
		return field.Errorf("Repositories", "%s has none that could be replaced (is it mirror that you want?)", g.Title)
	}
	var errs []error
	for name, address := range s.Repositories {
		if !slices.Contains(known, name) {
			errs = append(errs, field.Wrap("Repositories", &distro.UnknownError{What: "repository of " + g.Title, Name: name, Known: known}))
		}
		errs = append(errs, field.Wrap("Repositories", checkArchive(address)))
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
func (s Spec) packages() ([]string, error) {
	g, err := s.guest()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(g.Packages.Base, g.release.Packages, g.machine.Boot, s.Packages)
	for _, need := range s.Needs {
		names, err := g.Packages.For(need)
		if err != nil {
			return nil, field.Wrap("Needs", err)
		}
		all = append(all, names...)
	}
	if !slices.ContainsFunc(s.Packages, g.isKernel) {
		all = append(all, g.machine.Kernel)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// guest is what a spec asks for, as the table of guests has it.
type guest struct {
	*distro.Distro
	release      distro.Release
	architecture string
	machine      distro.Architecture
}

// guest looks everything up that has a name. Its errors are those of fields.
func (s Spec) guest() (guest, error) {
	d, err := distro.Find(s.Distribution)
	if err != nil {
		return guest{}, field.Wrap("Distribution", err)
	}
	release, releaseErr := d.Release(s.Release)
	machine, machineErr := d.Architecture(s.Architecture)
	if err := errors.Join(field.Wrap("Release", releaseErr), field.Wrap("Architecture", machineErr)); err != nil {
		return guest{}, err
	}
	return guest{Distro: d, release: release, architecture: s.Architecture, machine: machine}, nil
}

// archive is where its packages come from.
func (g guest) archive() archive { return archives[g.Manager.Name] }

// rpmArchitecture is the architecture as RPM names it, which is as QEMU does.
func (g guest) rpmArchitecture() string {
	a, _ := arch.Find(g.architecture)
	return a.QEMU
}

// isKernel tells whether a package has a kernel.
func (g guest) isKernel(name string) bool {
	ok, _ := path.Match(g.Kernels, name)
	return ok
}

// suites are those of the release that the archive has.
func (g guest) suites() []string {
	var suites []string
	for _, suffix := range g.Suites {
		suites = append(suites, g.release.Name+suffix)
	}
	return suites
}
