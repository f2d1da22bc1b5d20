package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Schema is the version of the documents of this package. It changes when a
// reader of the old one would go wrong.
const Schema = 1

// Roles of files in a version, besides those of an image's own manifest.
const (
	Chunks     manifest.Role = "chunks" // the raw disk as zstd frames
	Index      manifest.Role = "index"  // digest and place of each chunk
	ImageFacts manifest.Role = "image"  // the image's own manifest
	BootReport               = manifest.BootReport
	Screenshot               = manifest.Screenshot
	Changes    manifest.Role = "changes" // what is new since the version before
)

// VersionManifest is the manifest.json of a version: what the images are, and
// the length and digest of every file but itself and the checksums.
type VersionManifest struct {
	Schema   int             `json:"schema"`
	Product  string          `json:"product"` // "amigo"
	Version  string          `json:"version"`
	Created  time.Time       `json:"created"` // UTC, whole seconds
	Previous string          `json:"previous,omitempty"`
	AmiGO    manifest.AmiGO  `json:"amigo"`
	GOlr     manifest.GOlr   `json:"golr"`
	System   manifest.System `json:"system"`
	Tool     manifest.Tool   `json:"tool"`
	Images   []Image         `json:"images"`
	Files    []manifest.File `json:"files"`
}

// Image is one variant of a version, for machines of one architecture.
type Image struct {
	Variant  string            `json:"variant"` // [VariantName]: "distribution", "production-arm64"
	Disk     Disk              `json:"disk"`
	Packages int               `json:"packages"`
	BootTest manifest.BootTest `json:"boot_test"`
	// Updates are how many bytes travel to who has an older version, by its
	// name. Others are not known.
	Updates map[string]int64 `json:"updates,omitempty"`
	// In is the version that brought the image, if that was an earlier one: its files
	// are there, under the names that they have there.
	In string `json:"in,omitempty"`
	// Data is the variant of this version that has the data which the image serves, if
	// they are not in it.
	Data string `json:"data,omitempty"`
	// Names of files of the version, by role; see [VersionManifest.File].
	Files map[manifest.Role]string `json:"files"`
}

// Disk is the raw content of an image, whatever file it travels in.
type Disk struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // of the raw disk, hexadecimal
}

// Image returns the image of the first of some variants that the version has.
func (v VersionManifest) Image(variants ...string) (Image, error) {
	for _, variant := range variants {
		for _, image := range v.Images {
			if image.Variant == variant {
				return image, nil
			}
		}
	}
	return Image{}, fmt.Errorf("version %s has no variant %q", v.Version, strings.Join(variants, " or "))
}

// File returns the file that an image has in a role.
func (v VersionManifest) File(image Image, role manifest.Role) (manifest.File, error) {
	name, ok := image.Files[role]
	for _, file := range v.Files {
		if ok && file.Name == name {
			return file, nil
		}
	}
	return manifest.File{}, fmt.Errorf("version %s, %s: no file for %s", v.Version, image.Variant, role)
}

// Holder returns the version whose directory has a file: this one, or the one that brought
// the image which the file is of.
func (v VersionManifest) Holder(file string) string {
	for _, image := range v.Images {
		for _, name := range image.Files {
			if name == file && image.In != "" {
				return image.In
			}
		}
	}
	return v.Version
}

// Path returns the path of a file of the version in its repository.
func (v VersionManifest) Path(file string) string { return Version(v.Holder(file), file) }

// DataLast orders variants: data come after all that may need them.
func DataLast(a, b string) int {
	switch data := manifest.DataVariant; {
	case a != data && b == data:
		return -1
	case a == data && b != data:
		return 1
	}
	return 0
}

// DataOf returns the image with the data that an image serves, if they are not in it.
func (v VersionManifest) DataOf(image Image) (data Image, apart bool) {
	if image.Data == "" {
		return Image{}, false
	}
	data, err := v.Image(image.Data)
	return data, err == nil
}

// Encode returns the content of a version's manifest.json.
func (v VersionManifest) Encode() ([]byte, error) {
	v.Schema, v.Created = Schema, v.Created.UTC().Truncate(time.Second)
	if err := v.validate(); err != nil {
		return nil, err
	}
	return encode(v)
}

// DecodeVersion reads a version's manifest.json. Fields that it does not know
// are ignored; what it returns names only files in directories of versions.
func DecodeVersion(content []byte) (VersionManifest, error) {
	var v VersionManifest
	if err := json.Unmarshal(content, &v); err != nil {
		return v, fmt.Errorf("reading a version's %s: %w", ManifestFile, err)
	}
	return v, v.validate()
}

func (v VersionManifest) validate() error {
	faults := []error{CheckVersion(v.Version)}
	if v.Schema != Schema {
		faults = append(faults, fmt.Errorf("schema %d is not known here, only %d", v.Schema, Schema))
	}
	seen := map[string]bool{}
	for _, file := range v.Files {
		faults = append(faults, file.Check())
		if seen[file.Name] {
			faults = append(faults, fmt.Errorf("%s is there twice", file.Name))
		}
		seen[file.Name] = true
	}
	if len(v.Images) == 0 {
		faults = append(faults, errors.New("it has no images"))
	}
	for _, image := range v.Images {
		faults = append(faults, image.check(seen))
		if _, err := v.Image(image.Data); image.Data != "" && err != nil {
			faults = append(faults, fmt.Errorf("%s: its data are missing: %w", image.Variant, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("version %s: %w", v.Version, err)
	}
	return nil
}

// check says what is wrong with an image of a version that has some files.
func (i Image) check(files map[string]bool) error {
	var faults []error
	if i.Disk.Size <= 0 || !manifest.IsDigest(i.Disk.SHA256) {
		faults = append(faults, fmt.Errorf("%s: the disk has no size or no digest", i.Variant))
	}
	if i.In != "" {
		faults = append(faults, CheckVersion(i.In))
	}
	for version, bytes := range i.Updates {
		if bytes < 0 {
			faults = append(faults, fmt.Errorf("%s: an update has a negative size", i.Variant))
		}
		faults = append(faults, CheckVersion(version))
	}
	for role, name := range i.Files {
		if !files[name] {
			faults = append(faults, fmt.Errorf("%s: %s: there is no file %q", i.Variant, role, name))
		}
	}
	return errors.Join(faults...)
}

func encode(document any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing a document: %w", err)
	}
	return out.Bytes(), nil
}
