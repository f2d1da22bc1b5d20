// Package distro is the table of guests: what the distributions are whose machines can be
// made or provisioned, and what differs between them. Each is a file; its form is
// [Distro].
package distro

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

//go:embed *.yaml
var files embed.FS

// Distro is a distribution.
type Distro struct {
	// Like is the distribution that it is made from, which has all that its own file
	// does not say.
	Like          string                  `yaml:"like"`
	Name          string                  `yaml:"name"`    // in templates, and ID in os-release: "debian"
	Title         string                  `yaml:"title"`   // for people
	Untried       bool                    `yaml:"untried"` // nobody has built it from its own archive
	Manager       Manager                 `yaml:"manager"`
	Trust         Trust                   `yaml:"trust"`
	Operators     string                  `yaml:"operators"` // the group whose members may become root
	Keyring       Keyring                 `yaml:"keyring"`
	Components    []string                `yaml:"components"`   // of an archive of Debian's kind
	Suites        []string                `yaml:"suites"`       // what is added to a release's name there
	Archive       string                  `yaml:"archive"`      // what the addresses of repositories begin with
	Repositories  []Repository            `yaml:"repositories"` // of RPM packages
	Kernels       string                  `yaml:"kernels"`      // a pattern of names of packages, as below
	Boot          Boot                    `yaml:"boot"`
	Web           Web                     `yaml:"web"`
	Jetty         bool                    `yaml:"jetty"`    // it has a package of Jetty 9; else an image gets one from Maven
	Lacks         []string                `yaml:"lacks"`    // Perl modules that AmiGO needs and no package has
	Releases      []Release               `yaml:"releases"` // the oldest first
	Default       string                  `yaml:"default"`  // release
	Architectures map[string]Architecture `yaml:"architectures"`
	Packages      Packages                `yaml:"packages"`
	Start         []string                `yaml:"start"`    // units of systemd that start in a base
	Wait          []string                `yaml:"wait"`     // that do not
	WaitToo       []string                `yaml:"wait_too"` // beyond those of the distribution that it is like
	Units         []string                `yaml:"units"`    // that start in production
	// Patterns of [path.Match] for names of packages.
	BuildTools    []string `yaml:"build_tools"`
	NotBuildTools []string `yaml:"not_build_tools"`
	Serving       []string `yaml:"serving"`
}

// Keyring is where a host has the keys of a distribution's archive.
type Keyring struct {
	File    string `yaml:"file"`    // with {release} for the release's name
	Package string `yaml:"package"` // of Debian that brings it, and other keys of the distribution
}

// Repository is where RPM packages are. {archive}, {keyring}, {release} and {arch}, RPM's
// name of the architecture, are replaced in the texts.
type Repository struct {
	Name    string   `yaml:"name"`
	Address string   `yaml:"address"`
	Keys    []string `yaml:"keys"` // files of the host with the keys that sign its packages
}

// Boot is what a distribution's boot loader and kernels are like.
type Boot struct {
	Grub    string `yaml:"grub"`    // the directory of its configuration
	Modules string `yaml:"modules"` // the directory of its modules, by platform
	Image   string `yaml:"image"`   // the program that makes images of it
	Initrd  string `yaml:"initrd"`  // the file in /boot, with VERSION for the kernel's
	// Linked says that GRUB loads the links vmlinuz and initrd, which follow the newest
	// kernel. Else the distribution writes a configuration for each new one.
	Linked  bool   `yaml:"linked"`
	Options string `yaml:"options"` // of the kernel
	Locale  string `yaml:"locale"`  // the file that sets the language
	SSH     string `yaml:"ssh"`     // the name of its unit
}

// Web is what a distribution's Apache is like.
type Web struct {
	Unit  string `yaml:"unit"` // of systemd
	User  string `yaml:"user"`
	Group string `yaml:"group"`
	Logs  string `yaml:"logs"` // directory
	Site  string `yaml:"site"` // the file of a virtual host
	// Enabled is the link to Site that makes it served, and Modules the directory of links
	// that load modules. Where there are none, what is there is served.
	Enabled string `yaml:"enabled"`
	Modules string `yaml:"modules"`
	// Load is the directory of modules that the site loads itself.
	Load   string   `yaml:"load"`
	Absent []string `yaml:"absent"` // files that would be in the way
}

// Release is a release of a distribution.
type Release struct {
	Name    string `yaml:"name"`    // "bookworm"
	Version string `yaml:"version"` // VERSION_ID in os-release, or what it begins with before a dot: "12"; "": any
	// Units and Packages are beyond those of the distribution.
	Units    []string `yaml:"units"`
	Packages []string `yaml:"packages"`
	// RPMs is the directory of the database of RPM packages.
	RPMs string `yaml:"rpms"`
}

// is tells whether a machine that says VERSION_ID of itself runs r.
func (r Release) is(version string) bool {
	return r.Version == "" || version == r.Version || strings.HasPrefix(version, r.Version+".")
}

// Architecture is what a machine's architecture needs to boot, by the name that the
// distribution has for it.
type Architecture struct {
	Kernel string   `yaml:"kernel"` // the package with drivers of virtual machines only
	Boot   []string `yaml:"boot"`   // packages with the boot loader's parts
}

// Packages are the names of packages by what they are needed for.
type Packages struct {
	Base       []string `yaml:"base"`       // what every machine needs
	AmiGO      []string `yaml:"amigo"`      // to build and serve AmiGO and GOlr
	Production []string `yaml:"production"` // of the production variant alone
}

var packageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]+$`)

// IsPackageName tells whether a package may have a name, whatever its distribution.
func IsPackageName(name string) bool { return packageName.MatchString(name) }

// What packages are needed for, beyond what every machine needs.
const (
	AmiGO      = "amigo"
	Production = "production"
)

// For returns the packages that are needed for something, or an [*UnknownError].
func (p Packages) For(need string) ([]string, error) {
	names, known := map[string][]string{AmiGO: p.AmiGO, Production: p.Production}[need]
	switch {
	case !known:
		return nil, &UnknownError{What: "need", Name: need, Known: []string{AmiGO, Production}}
	case len(names) == 0:
		return nil, fmt.Errorf("%q is not known of this distribution yet (see docs/guests.md)", need)
	}
	return names, nil
}

// load reads the table. A file that can't be read is a fault of the program.
var load = sync.OnceValue(func() []*Distro {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err)
	}
	var all []*Distro
	for _, name := range names {
		d, err := read(name)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		all = append(all, d)
	}
	return all
})

func read(name string) (*Distro, error) {
	content, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var from struct{ Like string }
	if err := yaml.Unmarshal(content, &from); err != nil {
		return nil, err
	}
	d := new(Distro)
	if from.Like != "" {
		if d, err = read(from.Like + ".yaml"); err != nil {
			return nil, err
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	return d, decoder.Decode(d)
}

// Names returns the names of all distributions, sorted.
func Names() []string {
	var names []string
	for _, d := range load() {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// Digest is another one whenever a file of the table is.
func Digest() string {
	h := sha256.New()
	for _, d := range load() {
		content, _ := files.ReadFile(d.Name + ".yaml")
		_, _ = h.Write(content)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Standard is the distribution of guests that say no other.
func Standard() *Distro {
	d, err := Find("debian")
	if err != nil {
		panic(err)
	}
	return d
}

// UnknownError says that a name is in no table.
type UnknownError struct {
	What  string // "distribution"
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return nearest.Unknown(e.Name, e.Known)
}

// Find returns a distribution by its name, or an [*UnknownError].
func Find(name string) (*Distro, error) {
	for _, d := range load() {
		if d.Name == name {
			return d, nil
		}
	}
	return nil, &UnknownError{What: "distribution", Name: name, Known: Names()}
}

// Release returns a release by its name, or an [*UnknownError].
func (d *Distro) Release(name string) (Release, error) {
	var known []string
	for _, r := range d.Releases {
		if r.Name == name {
			return r, nil
		}
		known = append(known, r.Name)
	}
	return Release{}, &UnknownError{What: "release of " + d.Title, Name: name, Known: known}
}

// Ask is a script that prints what a machine runs, for [Told].
const Ask = `. /etc/os-release
printf '%s\n' "${ID-}" "${VERSION_ID-}"
`

// Told returns what a machine runs by what [Ask] printed there, or an [*UnknownError].
func Told(answer string) (*Distro, Release, error) {
	id, version, _ := strings.Cut(strings.TrimSuffix(answer, "\n"), "\n")
	return Identify(id, version)
}

// Identify returns what a machine runs that says of itself, in /etc/os-release, ID and
// VERSION_ID. The error is an [*UnknownError].
func Identify(id, version string) (*Distro, Release, error) {
	d, err := Find(id)
	if err != nil {
		return nil, Release{}, err
	}
	var known []string
	for _, r := range d.Releases {
		if r.is(version) {
			return d, r, nil
		}
		known = append(known, r.Version)
	}
	return nil, Release{}, &UnknownError{What: "release of " + d.Title, Name: version, Known: known}
}

// Architecture returns an architecture by its name, or an [*UnknownError].
func (d *Distro) Architecture(name string) (Architecture, error) {
	if a, ok := d.Architectures[name]; ok {
		return a, nil
	}
	var known []string
	for name := range d.Architectures {
		known = append(known, name)
	}
	slices.Sort(known)
	return Architecture{}, &UnknownError{What: "architecture of " + d.Title, Name: name, Known: known}
}

// IsBuildTool tells whether a package builds software and serves nothing.
func (d *Distro) IsBuildTool(name string) bool {
	return matches(d.BuildTools, name) && !matches(d.NotBuildTools, name)
}

// Serves tells whether a package must survive every change to a machine.
func (d *Distro) Serves(name string) bool { return matches(d.Serving, name) }

// ServingOf returns those of some packages that must survive, and what production
// needs, sorted.
func (d *Distro) ServingOf(installed []string) []string {
	names := append(slices.DeleteFunc(slices.Clone(installed), func(name string) bool { return !d.Serves(name) }), d.Packages.Production...)
	slices.Sort(names)
	return slices.Compact(names)
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}
