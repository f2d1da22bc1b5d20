// Package manifest describes a finished image in files beside it: manifest.json
// for programs, SHA256SUMS for sha256sum, packages.txt for people who compare.
// The same image gives the same bytes but for the times in manifest.json.
package manifest

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"
)

// Schema is the version of manifest.json that this package writes. It changes
// when a reader of the old one would go wrong; new fields do not change it.
const Schema = 1

// Names of the files.
const (
	FileName     = "manifest.json"
	SumsName     = "SHA256SUMS"
	PackagesName = "packages.txt"
)

// Manifest is the content of manifest.json.
type Manifest struct {
	Schema  int       `json:"schema"`
	Name    string    `json:"name"`
	Variant string    `json:"variant"` // "distribution" or "production"
	Version string    `json:"version"` // of AmiGO
	Created time.Time `json:"created"` // UTC, whole seconds
	Files   []File    `json:"files"`
	// Parent is the image that this one was made from, if it was.
	Parent   *Parent         `json:"parent,omitempty"`
	Base     json.RawMessage `json:"base,omitempty"` // what the builder made the disk from
	AmiGO    AmiGO           `json:"amigo,omitzero"`
	GOlr     GOlr            `json:"golr"`
	System   System          `json:"system,omitzero"`
	Packages Packages        `json:"packages,omitzero"`
	BootTest BootTest        `json:"boot_test,omitzero"`
	Tool     Tool            `json:"tool"`
}

// File is a file of the image.
type File struct {
	Name        string `json:"name"` // without a directory
	Role        Role   `json:"role"`
	Format      string `json:"format,omitempty"` // of a disk: "qcow2"
	Size        int64  `json:"size"`             // bytes
	VirtualSize int64  `json:"virtual_size,omitempty"`
	SHA256      string `json:"sha256"` // hexadecimal
}

// Role is what a file is for.
type Role string

// The roles of files.
const (
	Disk        Role = "disk"
	PackageList Role = "packages"
	BootReport  Role = "boot-test"  // every check of the boot test, as JSON
	Screenshot  Role = "screenshot" // the console at the end of the boot test
)

// Parent names the image that a variant was made from.
type Parent struct {
	Variant string `json:"variant,omitempty"`
	SHA256  string `json:"sha256"` // of its disk
}

// AmiGO is the software that the image serves.
type AmiGO struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Source  string `json:"source,omitempty"`
	Serve   string `json:"serve"` // "workers" or "cgi"
}

// Title names AmiGO with its version, for people.
func (a AmiGO) Title() string { return "AmiGO " + cmp.Or(a.Version, "(version unknown)") }

// GOlr is the data that the image serves.
type GOlr struct {
	Documents int64  `json:"documents"`
	Date      string `json:"date,omitempty"` // YYYY-MM-DD, of the release
	DOI       string `json:"doi,omitempty"`
	Example   bool   `json:"example,omitempty"` // it is not a release, and must not be cited
	// On is where they are: "" in the system's own disk, [OnData] on another.
	On string `json:"on,omitempty"`
	// Schema is the digest of the Solr schema that the data are of, where it is known.
	Schema string `json:"schema,omitempty"`
	// Kinds are the numbers of documents by what they are of: "annotation".
	Kinds map[string]int64 `json:"kinds,omitempty"`
}

// OnData says that data are on a disk of their own, which is an image of [DataVariant].
const OnData = "data"

// DataVariant is the variant of an image that holds data and no system.
const DataVariant = "data"

// Equal tells whether both are the same data.
func (g GOlr) Equal(other GOlr) bool {
	return g.Documents == other.Documents && g.Date == other.Date && g.DOI == other.DOI && maps.Equal(g.Kinds, other.Kinds)
}

// NotCited is what people are told of data that are not a release of GO's.
const NotCited = "example data, not a GO release: do not cite"

// testDOI begins the identifiers that DataCite keeps for tests.
const testDOI = "10.5072/"

// IsExample tells whether a DOI is that of example data.
func IsExample(doi string) bool { return strings.HasPrefix(doi, testDOI) }

// Words are how people name data of a date with a DOI, of which either may be "".
func Words(date, doi string) string {
	switch {
	case IsExample(doi):
		return NotCited
	case date != "" && doi != "":
		return date + ", doi " + doi
	case doi != "":
		return "doi " + doi
	case date != "":
		return date + ", no DOI"
	}
	return ""
}

// System is the operating system in the image.
type System struct {
	Name   string `json:"name"` // as os-release's PRETTY_NAME
	Kernel string `json:"kernel"`
	// Architecture is "amd64" or "arm64"; older manifests do not tell, and are of amd64.
	Architecture string `json:"architecture,omitempty"`
}

// Packages sums up packages.txt.
type Packages struct {
	Count  int    `json:"count"`
	SHA256 string `json:"sha256"` // of the file
}

// BootTest sums up the test that the image passed.
type BootTest struct {
	Accelerator string `json:"accelerator"`
	MemoryMiB   int    `json:"memory_mib,omitempty"` // of the machine; older manifests do not tell
	Checks      int    `json:"checks"`
	Boots       []Boot `json:"boots"`
	// FirstTry says why the test was made twice; "" if it was not.
	FirstTry string `json:"first_try,omitempty"`
}

// Boot is one start of the image in its test; times are seconds since power on.
type Boot struct {
	Firmware string  `json:"firmware"`
	Seed     bool    `json:"seed,omitempty"` // a NoCloud seed was attached
	SSH      float64 `json:"ssh_seconds"`
	Serving  float64 `json:"serving_seconds"`
}

// Tool is what made the image.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	QEMU    string `json:"qemu,omitempty"`
}

// Disk returns the image's disk.
func (m Manifest) Disk() (File, error) {
	for _, file := range m.Files {
		if file.Role == Disk {
			return file, nil
		}
	}
	return File{}, errors.New("the manifest names no disk")
}

// Encode returns the content of manifest.json.
func (m Manifest) Encode() ([]byte, error) {
	m.Schema = Schema
	m.Created = m.Created.UTC().Truncate(time.Second)
	if err := m.validate(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("writing %s: %w", FileName, err)
	}
	return out.Bytes(), nil
}

// Decode reads manifest.json. Fields that it does not know are ignored; what
// it returns names only files in the manifest's own directory.
func Decode(content []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(content, &m); err != nil {
		return m, fmt.Errorf("reading %s: %w", FileName, err)
	}
	if m.Schema != Schema {
		return m, fmt.Errorf("reading %s: schema %d is not known here, only %d", FileName, m.Schema, Schema)
	}
	return m, m.validate()
}

func (m Manifest) validate() error {
	var faults []error
	if m.Variant == "" {
		faults = append(faults, errors.New("variant is empty"))
	}
	if _, err := m.Disk(); err != nil {
		faults = append(faults, err)
	}
	if m.Parent != nil && !IsDigest(m.Parent.SHA256) {
		faults = append(faults, fmt.Errorf("parent: %q is not a SHA-256 digest", m.Parent.SHA256))
	}
	seen := map[string]bool{}
	for i, file := range m.Files {
		if err := file.Check(); err != nil {
			faults = append(faults, fmt.Errorf("files[%d]: %w", i, err))
		}
		if seen[file.Name] {
			faults = append(faults, fmt.Errorf("files[%d]: %s is there twice", i, file.Name))
		}
		seen[file.Name] = true
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %w", FileName, errors.Join(faults...))
	}
	return nil
}

// Check returns an error that says why f cannot be a file of an image.
func (f File) Check() error {
	switch {
	case !isFileName(f.Name):
		return fmt.Errorf("%q is not the name of a file", f.Name)
	case f.Size < 0 || f.VirtualSize < 0:
		return fmt.Errorf("%s has a negative size", f.Name)
	case !IsDigest(f.SHA256):
		return fmt.Errorf("%s: %q is not a SHA-256 digest", f.Name, f.SHA256)
	}
	return nil
}

// isFileName tells whether name is a file in its directory, not a path, and
// needs no escape in [SumsName].
func isFileName(name string) bool {
	for _, r := range name {
		if r < ' ' || r == '\\' || r == 0x7f {
			return false
		}
	}
	return name != "." && filepath.IsLocal(name) && filepath.Base(name) == name
}

// IsDigest tells whether s is a SHA-256 digest, hexadecimal.
func IsDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32
}
