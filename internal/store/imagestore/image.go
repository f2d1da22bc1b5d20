package imagestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Files of an image.
const (
	DiskFile    = "disk.raw"
	IndexFile   = "disk.chunks"
	VersionFile = "version.json"
	sourceFile  = "source.json"
)

// Image is an image in the store.
type Image struct {
	Version   string
	Variant   string
	Dir       string
	Manifest  layout.VersionManifest
	Digest    string // of the manifest, as it is signed
	Source    Source
	Allocated int64     // bytes on the disk
	Used      time.Time // last
}

// Source is where an image came from.
type Source struct {
	Repository string    `json:"repository"` // its address as anybody may see it
	Added      time.Time `json:"added"`
}

// Name returns what the image is called among all.
func (i Image) Name() string { return ImageName(i.Version, i.Variant) }

// ImageName returns the name of a version's variant.
func ImageName(version, variant string) string { return version + "/" + variant }

// HasSystem tells whether the image is more than data.
func (i Image) HasSystem() bool { return i.Variant != manifest.DataVariant }

// Disk returns the path of the raw disk, which must not be written to.
func (i Image) Disk() string { return filepath.Join(i.Dir, DiskFile) }

// Index returns the path of the disk's chunk index.
func (i Image) Index() string { return filepath.Join(i.Dir, IndexFile) }

// MissingError says that the store has no such image or machine.
type MissingError struct{ Name string }

func (e *MissingError) Error() string { return fmt.Sprintf("there is no %q here", e.Name) }

// Fault implements [fault.Reporter].
func (e *MissingError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.NotFound, Try: fault.To(fault.ListImages)}
}

// Image returns one image, and reads no other. If it is not there the error is a
// [*MissingError].
func (s Store) Image(version, variant string) (Image, error) {
	if layout.CheckVersion(version) == nil && isVariant(variant) {
		if image, err := s.read(version, variant); err == nil {
			return image, nil
		}
	}
	return Image{}, &MissingError{Name: ImageName(version, variant)}
}

// Data returns the image with the data that an image serves, if they are not in it. One that
// is not here is a [*MissingError].
func (s Store) Data(i Image) (data Image, apart bool, err error) {
	facts, err := i.Manifest.Image(i.Variant)
	if err != nil || facts.Data == "" {
		return Image{}, false, nil //nolint:nilerr // what is not in its manifest has no data either
	}
	data, err = s.Image(i.Version, facts.Data)
	return data, true, err
}

// isVariant tells whether a text can name a directory among others.
func isVariant(text string) bool { return filepath.IsLocal(text) && filepath.Base(text) == text }

// Images returns all images, the newest first. What cannot be read is left
// out: it is not an image.
func (s Store) Images() ([]Image, error) {
	var found []Image
	versions, err := names(s.path(imagesDir))
	if err != nil {
		return nil, err
	}
	for _, version := range versions {
		variants, err := names(s.path(imagesDir, version))
		if err != nil {
			return nil, err
		}
		for _, variant := range variants {
			if image, err := s.read(version, variant); err == nil {
				found = append(found, image)
			}
		}
	}
	slices.SortStableFunc(found, newestFirst)
	return found, nil
}

func newestFirst(a, b Image) int { return b.Manifest.Created.Compare(a.Manifest.Created) }

func (s Store) read(version, variant string) (Image, error) {
	dir := s.imageDir(version, variant)
	content, err := regular.ReadFile(filepath.Join(dir, VersionFile), regular.Document)
	if err != nil {
		return Image{}, fmt.Errorf("reading the image store: %w", err)
	}
	facts, err := layout.DecodeVersion(content)
	if err != nil {
		return Image{}, err
	}
	source, err := readSecret[Source](filepath.Join(dir, sourceFile))
	if err != nil {
		return Image{}, err
	}
	i := Image{Version: version, Variant: variant, Manifest: facts, Digest: manifest.Digest(content), Source: source}
	return s.found(i)
}

func (s Store) imageDir(version, variant string) string { return s.path(imagesDir, version, variant) }

// found adds to an image what its directory says of it.
func (s Store) found(i Image) (Image, error) {
	i.Dir = s.imageDir(i.Version, i.Variant)
	info, err := os.Stat(i.Dir)
	if err != nil {
		return i, fmt.Errorf("reading the image store: %w", err)
	}
	i.Used, i.Allocated = info.ModTime(), Allocated(i.Dir)
	return i, nil
}

// Touch marks an image as used now.
func (s Store) Touch(i Image) error {
	now := time.Now()
	if err := os.Chtimes(i.Dir, now, now); err != nil {
		return fmt.Errorf("marking an image as used: %w", err)
	}
	return nil
}

// InUseError says that an image cannot be removed.
type InUseError struct {
	Name     string
	Machines []string // that are made from it, or that run
}

func (e *InUseError) Error() string { return fmt.Sprintf("%s is in use by %q", e.Name, e.Machines) }

// Fault implements [fault.Reporter].
func (e *InUseError) Fault() fault.Report {
	return fault.Report{
		What: fmt.Sprintf("%s is in use by %s", e.Name, strings.Join(e.Machines, ", ")), Code: fault.Locked,
		Try: fault.To(fault.RemoveMachines, e.Machines...),
	}
}

// RemoveImage removes an image that no machine uses.
func (s Store) RemoveImage(ctx context.Context, i Image) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	machines, err := s.machines()
	if err != nil {
		return err
	}
	if users := usersOf(i, machines); len(users) > 0 {
		return &InUseError{Name: i.Name(), Machines: users}
	}
	return s.discard(i.Dir)
}

func usersOf(i Image, machines []Machine) []string {
	var users []string
	for _, m := range machines {
		if m.Backing == i.Disk() || m.Data == i.Disk() {
			users = append(users, m.Name)
		}
	}
	return users
}

// discard removes a directory: its name first, so that nobody finds half of it.
// The caller holds the store's lock.
func (s Store) discard(dir string) error {
	parent := filepath.Dir(dir)
	grave := s.path(partialDir, ".removed")
	err := errors.Join(os.MkdirAll(s.path(partialDir), 0o755), os.RemoveAll(grave))
	if err == nil {
		err = os.Rename(dir, grave)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = os.Remove(parent) // a version without images
	if err = errors.Join(err, os.RemoveAll(grave)); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}
