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
	Components    []string                `yaml:"components"` // of its archive
	Suites        []string                `yaml:"suites"`     // what is added to a release's name
	Releases      []Release               `yaml:"releases"`   // the oldest first
	Default       string                  `yaml:"default"`    // release
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
	File    string `yaml:"file"`
	Package string `yaml:"package"` // of Debian that brings it
}

// Release is a release of a distribution.
type Release struct {
	Name    string   `yaml:"name"`    // "bookworm"
	Version string   `yaml:"version"` // VERSION_ID in os-release: "12"
	Units   []string `yaml:"units"`   // beyond those of the distribution
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

// What packages are needed for, beyond what every machine needs.
const (
	AmiGO      = "amigo"
	Production = "production"
)

// For returns the packages that are needed for something, or an [*UnknownError].
func (p Packages) For(need string) ([]string, error) {
	switch need {
	case AmiGO:
		return p.AmiGO, nil
	case Production:
		return p.Production, nil
	default:
		return nil, &UnknownError{What: "need", Name: need, Known: []string{AmiGO, Production}}
	}
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
		if r.Version == version {
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
