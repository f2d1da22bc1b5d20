package obtain

import (
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// Published is a file that a repository has signed.
type Published struct {
	Version layout.VersionManifest
	Name    string // of the file; "" for a raw disk, which travels in chunks
	Variant string // of the image that it belongs to; may be empty
	Size    int64
	SHA256  string
	Choice  Choice // how the version is named now; zero if nobody was asked
}

// Find returns what the repository has signed with a digest, or else under a
// name. Neither gives ok false.
func (r *Repository) Find(ctx context.Context, name, sha256 string) (found Published, ok bool, err error) {
	choices, _, err := r.Choices(ctx)
	if err != nil {
		return found, false, err
	}
	var second *Published
	for _, choice := range choices {
		version, _, err := r.Manifest(ctx, choice)
		if err != nil {
			return found, false, err
		}
		for _, file := range files(version) {
			file.Choice = choice
			if file.SHA256 == sha256 {
				return file, true, r.signed(ctx, file)
			}
			if file.Name == name && second == nil {
				second = &file
			}
		}
	}
	if second == nil {
		return found, false, nil
	}
	return *second, true, nil
}

// signed checks that a file of a manifest is signed itself, too.
func (r *Repository) signed(ctx context.Context, file Published) error {
	if file.Name == "" {
		return nil // the manifest says what the disk is, and that is signed
	}
	place := file.Version.Path(file.Name)
	reference, err := r.View.File(ctx, file.Choice.Channel, place)
	if err != nil {
		return err
	}
	if want := (layout.Reference{Size: file.Size, SHA256: file.SHA256}); reference != want {
		return &MismatchError{URL: r.from.URL(place), Got: want, Want: reference}
	}
	return nil
}

// RawDisk is what the disk of an image in the store should be.
func RawDisk(i imagestore.Image) *Published {
	for _, file := range files(i.Manifest) {
		if file.Name == "" && file.Variant == i.Variant {
			return &file
		}
	}
	return nil
}

// Remembered is [Repository.Find] by what was verified earlier, without asking
// anybody: manifests of the store's images and of what was listed.
func Remembered(store imagestore.Store, location, name, sha256 string) (found Published, ok bool, err error) {
	images, err := store.Images()
	if err != nil {
		return found, false, err
	}
	var versions []layout.VersionManifest
	for _, image := range images {
		versions = append(versions, image.Manifest)
	}
	versions = append(versions, savedManifests(store.Trust(location))...)
	for _, version := range versions {
		for _, file := range files(version) {
			if file.SHA256 == sha256 {
				return file, true, nil
			}
			if file.Name == name && !ok {
				found, ok = file, true
			}
		}
	}
	return found, ok, nil
}

// savedManifests returns the manifests that were read from a repository. The name of
// each is the digest that was signed.
func savedManifests(dir string) []layout.VersionManifest {
	paths, _ := filepath.Glob(filepath.Join(dir, "manifests", "*.json"))
	var versions []layout.VersionManifest
	for _, file := range paths {
		content, err := regular.ReadFile(file, regular.Document)
		if err != nil || manifest.Digest(content) != strings.TrimSuffix(path.Base(file), ".json") {
			continue
		}
		if version, err := layout.DecodeVersion(content); err == nil {
			versions = append(versions, version)
		}
	}
	return versions
}

// files returns the files of a version, and its raw disks.
func files(v layout.VersionManifest) []Published {
	var all []Published
	for _, file := range v.Files {
		all = append(all, Published{Version: v, Name: file.Name, Variant: owner(v, file.Name), Size: file.Size, SHA256: file.SHA256})
	}
	for _, image := range v.Images {
		all = append(all, Published{Version: v, Variant: image.Variant, Size: image.Disk.Size, SHA256: image.Disk.SHA256})
	}
	return all
}

// owner returns the variant whose file has a name.
func owner(v layout.VersionManifest, name string) string {
	for _, image := range v.Images {
		for _, file := range image.Files {
			if file == name {
				return image.Variant
			}
		}
	}
	return ""
}
