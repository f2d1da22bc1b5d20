package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Release is what is to be published.
type Release struct {
	// Directories of images, as builds leave them, or of directories of images.
	Directories []string
	Channel     string
	Version     string // "": today's date, or the one that these images have already
	Reason      string // for the channel's history
	DryRun      bool   // tell what would be done, and do nothing
	MaxLoss     Loss   // since the version that the channel is at
}

// image is an image on this host.
type image struct {
	dir   string
	facts manifest.Manifest
	raw   []byte // the manifest as it is
	disk  manifest.File
}

// NoImagesError says that a directory holds no image.
type NoImagesError struct{ Dir string }

func (e *NoImagesError) Error() string {
	return fmt.Sprintf("%s holds no image: neither it nor a directory in it has a %s", e.Dir, manifest.FileName)
}

// Fault implements [fault.Reporter].
func (e *NoImagesError) Fault() fault.Report {
	return fault.Report{What: "there is no image", Where: e.Error(), Code: fault.NotFound, Try: fault.To(fault.BuildImage)}
}

// DamagedError says that a file is not what its manifest says.
type DamagedError struct {
	Path string
	Want manifest.File
	Got  manifest.File
}

func (e *DamagedError) Error() string {
	if e.Want.Size != e.Got.Size {
		return fmt.Sprintf("%s has %d bytes, and %d by its manifest", e.Path, e.Got.Size, e.Want.Size)
	}
	return fmt.Sprintf("%s has the digest %s, and %s by its manifest", e.Path, e.Got.SHA256, e.Want.SHA256)
}

// Fault implements [fault.Reporter].
func (e *DamagedError) Fault() fault.Report {
	return fault.Report{
		What: "a file of the image is not what its manifest says", Where: e.Error(), Code: fault.Verify,
		Try: fault.To(fault.RebuildImage),
	}
}

// variant is what the image is called in its version.
func (i image) variant() string {
	return layout.VariantName(i.facts.Variant, i.facts.System.Architecture)
}

// hasSystem tells whether the image is more than data.
func (i image) hasSystem() bool { return i.facts.Variant != manifest.DataVariant }

// data is the variant that has the image's data, or "".
func (i image) data() string {
	if i.hasSystem() && i.facts.GOlr.On == manifest.OnData {
		return manifest.DataVariant
	}
	return ""
}

// DataError says that images do not go with their data.
type DataError struct{ Image, Why string }

func (e *DataError) Error() string { return fmt.Sprintf("%s %s", e.Image, e.Why) }

// Fault implements [fault.Reporter].
func (e *DataError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Usage} }

// checkData finds out whether the images that need data have those that they were tested with.
func checkData(images []image) error {
	at := slices.IndexFunc(images, func(one image) bool { return !one.hasSystem() })
	needed := false
	for _, one := range images {
		if one.data() == "" {
			continue
		}
		needed = true
		switch {
		case at < 0:
			return &DataError{Image: one.dir, Why: "has its data on a disk of their own: name the directory of that image, too"}
		case !one.facts.GOlr.Equal(images[at].facts.GOlr) || one.facts.GOlr.Schema != images[at].facts.GOlr.Schema:
			return &DataError{Image: one.dir, Why: "was tested with other data than those in " + images[at].dir}
		}
	}
	if at >= 0 && !needed {
		return &DataError{Image: images[at].dir, Why: "has data, and no image that is published with it needs them"}
	}
	return nil
}

// readImages finds the images of a release, in the order of their variants.
func readImages(dirs []string) ([]image, error) {
	var images []image
	for _, dir := range dirs {
		found, err := findImages(dir)
		if err != nil {
			return nil, err
		}
		images = append(images, found...)
	}
	slices.SortFunc(images, func(a, b image) int { return cmp.Compare(a.variant(), b.variant()) })
	images = slices.CompactFunc(images, func(a, b image) bool { return a.dir == b.dir })
	for i, one := range images {
		if i > 0 && one.variant() == images[i-1].variant() {
			return nil, fmt.Errorf("%s and %s are both the %s variant (name the directories to publish)", images[i-1].dir, one.dir, one.variant())
		}
		if err := layout.CheckImage(one.facts.Variant, one.facts.System.Architecture); err != nil {
			return nil, fmt.Errorf("the manifest of %s: %w", one.dir, err)
		}
	}
	return images, checkData(images)
}

// findImages returns the image in dir, or those in its directories.
func findImages(dir string) ([]image, error) {
	one, err := readImage(dir)
	if err == nil {
		return []image{one}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", manifest.FileName))
	if err != nil || len(paths) == 0 {
		return nil, &NoImagesError{Dir: dir}
	}
	var images []image
	for _, path := range paths {
		one, err := readImage(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		if !strings.Contains(filepath.Base(one.dir), ".") { // partial and kept ones have a dot
			images = append(images, one)
		}
	}
	if len(images) == 0 {
		return nil, &NoImagesError{Dir: dir}
	}
	return images, nil
}

func readImage(dir string) (image, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return image{}, fmt.Errorf("finding an image: %w", err)
	}
	raw, err := regular.ReadFile(filepath.Join(dir, manifest.FileName), regular.Document)
	if err != nil {
		return image{}, fmt.Errorf("reading an image: %w", err)
	}
	facts, err := manifest.Decode(raw)
	if err == nil {
		err = printable.CheckJSON(raw)
	}
	if err != nil {
		return image{}, fmt.Errorf("%s: %w", dir, err)
	}
	disk, err := facts.Disk()
	if err != nil {
		return image{}, fmt.Errorf("%s: %w", dir, err)
	}
	return image{dir: dir, facts: facts, raw: raw, disk: disk}, nil
}

// fingerprint tells two releases apart by their disks.
func fingerprint(images []image) string {
	var parts []string
	for _, one := range images {
		parts = append(parts, one.variant()+" "+one.disk.SHA256)
	}
	return strings.Join(parts, "\n")
}

// fingerprintOf is [fingerprint] of a published version.
func fingerprintOf(v layout.VersionManifest) string {
	var parts []string
	for _, one := range v.Images {
		disk, err := v.File(one, manifest.Disk)
		if err != nil {
			return ""
		}
		parts = append(parts, one.Variant+" "+disk.SHA256)
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// checkImages looks whether the disks are whole by themselves, then reads all
// files of the images and compares them with their manifests.
func checkImages(ctx context.Context, images []image, phase *event.Phase) error {
	var total, before int64
	for _, one := range images {
		if _, err := qemuimg.Inspect(ctx, filepath.Join(one.dir, one.disk.Name), "qcow2"); err != nil {
			return err
		}
		for _, file := range one.facts.Files {
			total += file.Size
		}
	}
	for _, one := range images {
		for _, want := range one.facts.Files {
			path := filepath.Join(one.dir, want.Name)
			got := want
			var err error
			got.Size, got.SHA256, err = manifest.DigestFile(path, func(done, _ int64) { phase.Progress(before+done, total, event.Bytes) })
			if err != nil {
				return err
			}
			if got != want {
				return &DamagedError{Path: path, Want: want, Got: got}
			}
			before += want.Size
		}
	}
	return nil
}
