package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// release is a version as a page shows it.
type release struct {
	layout.VersionManifest
	Channel string // that it is shown for, or ""
	Dir     string // relative path of its files, escaped, with a slash at its end
	URL     string // public address of the same, or ""
	Revoked string // why nobody should use it
	root    string // relative path of the repository
	Changes *changes.Changes
	Variant []variant
	Data    *variant // the disk with the data; nil if they are in the others
}

// variant is an image as a page shows it.
type variant struct {
	layout.Image
	Kind   string // its variant without the processor
	ARM    bool   // for arm64
	Dir    string // relative path of its files, escaped, with a slash at its end
	URL    string // public address of the same, or ""
	Qcow2  manifest.File
	Raw    manifest.File // its name is "" if there is none
	Report string        // names of files, or ""
	Screen string
}

func (s site) release(root string, channel layout.Channel, v layout.VersionManifest) release {
	r := release{
		VersionManifest: v, Channel: channel.Channel, Revoked: channel.Revoked[v.Version],
		root: root,
	}
	r.Dir, r.URL = s.dir(root, v.Version)
	if c, ok := s.options.Changes[v.Version]; ok {
		r.Changes = &c
	}
	for _, image := range v.Images {
		kind, a := layout.SplitVariant(image.Variant)
		one := variant{Image: image, Kind: kind, ARM: a == arch.ARM64, Report: image.Files[layout.BootReport], Screen: image.Files[layout.Screenshot]}
		one.Qcow2, _ = v.File(image, manifest.Disk)
		one.Raw, _ = v.File(image, layout.Chunks)
		one.Dir, one.URL = s.dir(root, v.Holder(one.Qcow2.Name))
		if kind == manifest.DataVariant {
			r.Data = &one
			continue
		}
		r.Variant = append(r.Variant, one)
	}
	return r
}

// dir returns where the files of a version are: a relative path, and the public address
// or "".
func (s site) dir(root, version string) (dir, url string) {
	if s.options.BaseURL != "" {
		url = s.url("", layout.Version(version)) + "/"
	}
	return directory(root, version), url
}

func directory(root, version string) string {
	return root + address.EscapePath(layout.Version(version)) + "/"
}

// Primary is the image for who does not know which.
func (r release) Primary() variant {
	if v := r.of("distribution"); v != nil {
		return *v
	}
	return r.Variant[0]
}

// Production is the image for service, or nil.
func (r release) Production() *variant { return r.of("production") }

// of returns the image of a kind, rather for amd64 than for others, or nil.
func (r release) of(kind string) *variant {
	var found *variant
	for _, v := range r.Variant {
		if v.Kind == kind && (found == nil || found.ARM && !v.ARM) {
			found = &v
		}
	}
	return found
}

// Cloud is the image for who lets others in: production, or the only one.
func (r release) Cloud() variant {
	if v := r.Production(); v != nil {
		return *v
	}
	return r.Primary()
}

// Example tells whether the data are not a release of GO's.
func (r release) Example() bool {
	return r.AmiGO.Source == "sample" || manifest.IsExample(r.GOlr.DOI)
}

// DOI is the identifier to cite, or "".
func (r release) DOI() string {
	if r.Example() {
		return ""
	}
	return r.GOlr.DOI
}

// Disks returns the files that are a machine.
func (r release) Disks() []manifest.File { return r.sorted()[:r.disks()] }

// Papers returns the files that describe machines.
func (r release) Papers() []manifest.File { return r.sorted()[r.disks():] }

func (r release) disks() int {
	n := 0
	for _, file := range r.Files {
		if rank(file) < 2 {
			n++
		}
	}
	return n
}

// sorted returns the files by role.
func (r release) sorted() []manifest.File {
	files := slices.Clone(r.Files)
	slices.SortStableFunc(files, func(a, b manifest.File) int { return rank(a) - rank(b) })
	return files
}

// roles are those of disks, then all others.
var roles = []manifest.Role{
	manifest.Disk, layout.Chunks,
	layout.Index, manifest.PackageList, manifest.SecurityFixes, manifest.CommitList,
	layout.Changes, layout.BootReport, layout.Screenshot, layout.ImageFacts,
}

func rank(f manifest.File) int {
	if i := slices.Index(roles, f.Role); i >= 0 {
		return i
	}
	return len(roles)
}

// located is a file with the relative path of its directory.
type located struct {
	manifest.File
	Dir string
}

// In returns a file of r with where it is.
func (r release) In(f manifest.File) located { return located{f, directory(r.root, r.Holder(f.Name))} }

// File returns the name of the version's only file in a role, or "".
func (r release) File(role manifest.Role) string {
	for _, file := range r.Files {
		if file.Role == role {
			return file.Name
		}
	}
	return ""
}

// Memory is what the image was tested with, in MiB.
func (v variant) Memory() int { return cmp.Or(v.BootTest.MemoryMiB, usualMemory) }

// usualMemory is what images were tested with that do not tell, in MiB.
const usualMemory = 2048

// MemoryText is [variant.Memory] for people.
func (v variant) MemoryText() string {
	if v.Memory()%1024 == 0 {
		return fmt.Sprintf("%d GiB", v.Memory()/1024)
	}
	return fmt.Sprintf("%d MiB", v.Memory())
}

// Seconds is the time that the image took from power on to its first page in
// its boot test, on the faster firmware; 0 if that is not known.
func (v variant) Seconds() float64 {
	var best float64
	for _, boot := range v.BootTest.Boots {
		if best == 0 || boot.Serving < best {
			best = boot.Serving
		}
	}
	return best
}

// start is how long an image took to its first page with an accelerator.
type start struct {
	Accelerator string
	Seconds     float64
	Version     string // that was measured, or "" if it is the one shown
}

// starts returns what is known for each accelerator. A boot test knows one; the
// newest version that was tested with another one tells of that.
func (s site) starts(shown release) []start {
	var all []start
	add := func(v variant, version string) {
		is := func(known start) bool { return known.Accelerator == v.BootTest.Accelerator }
		if v.Seconds() > 0 && accelerators[v.BootTest.Accelerator] != "" && !slices.ContainsFunc(all, is) {
			all = append(all, start{v.BootTest.Accelerator, v.Seconds(), version})
		}
	}
	add(shown.Primary(), "")
	for _, v := range s.catalog.Versions {
		if image, err := v.Image(shown.Primary().Variant); err == nil {
			add(variant{Image: image}, v.Version)
		}
	}
	return all
}

// Firmwares names those that the image was booted on.
func (v variant) Firmwares() string {
	var names []string
	for _, boot := range v.BootTest.Boots {
		if name := strings.ToUpper(boot.Firmware); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}
