package changes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Loader finds the side that a reference names: a directory, a version, a
// channel.
type Loader func(ctx context.Context, reference string) (Side, error)

// NoImageError says that a directory holds neither an image nor a version.
type NoImageError struct{ Dir string }

func (e *NoImageError) Error() string {
	return fmt.Sprintf("%s: no image is described there (no %s)", e.Dir, manifest.FileName)
}

// Fault implements [fault.Reporter].
func (e *NoImageError) Fault() fault.Report {
	return fault.Report{What: "no image is described in " + e.Dir, Code: fault.NotFound, Try: fault.To(fault.ListImages)}
}

// Load returns the side that lies in a directory: a version of a repository,
// an image as a build leaves it, or a directory with one image in each of its
// subdirectories.
func Load(_ context.Context, dir string) (Side, error) {
	content, err := regular.ReadFile(filepath.Join(dir, manifest.FileName), regular.Document)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return loadImages(dir)
	case err != nil:
		return Side{}, fmt.Errorf("reading what an image is: %w", err)
	}
	return loadOne(dir, content)
}

func loadOne(dir string, content []byte) (Side, error) {
	read := func(name string) ([]byte, error) { return regular.ReadFile(filepath.Join(dir, name), regular.Document) }
	if isVersion(content) {
		v, err := layout.DecodeVersion(content)
		if err != nil {
			return Side{}, fmt.Errorf("%s: %w", dir, err)
		}
		place := func(name string) string { return filepath.Join(dir, "..", v.Holder(name), name) }
		read := func(name string) ([]byte, error) { return regular.ReadFile(place(name), regular.Document) }
		return OfVersion(v, read, func(image layout.Image) (*chunk.Index, error) {
			return chunk.Open(place(image.Files[layout.Index]))
		})
	}
	m, err := manifest.Decode(content)
	if err != nil {
		return Side{}, fmt.Errorf("%s: %w", dir, err)
	}
	return OfImage(dir, m, read)
}

// isVersion tells the manifest of a version, which lists images, from that of
// one image.
func isVersion(content []byte) bool {
	var probe struct {
		Images json.RawMessage `json:"images"`
	}
	return json.Unmarshal(content, &probe) == nil && probe.Images != nil
}

// loadImages joins the images in the subdirectories of dir.
func loadImages(dir string) (Side, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", manifest.FileName))
	if err != nil || len(found) == 0 {
		return Side{}, &NoImageError{Dir: dir}
	}
	slices.Sort(found)
	var whole Side
	for i, path := range found {
		content, err := regular.ReadFile(path, regular.Document)
		if err != nil {
			return Side{}, fmt.Errorf("reading what an image is: %w", err)
		}
		one, err := loadOne(filepath.Dir(path), content)
		if err != nil {
			return Side{}, err
		}
		if i == 0 || whole.System.Name == "" { // data alone tell of no system
			one.Variants = append(whole.Variants, one.Variants...)
			whole = one
			whole.Name = dir
			continue
		}
		whole.Variants = append(whole.Variants, one.Variants...)
	}
	return whole, nil
}

// readVariant reads what is known of what is in an image. What is not
// described is not known.
func readVariant(name string, file func(manifest.Role) (manifest.File, bool), read Read) (Variant, error) {
	v := Variant{Name: name}
	if disk, ok := file(manifest.Disk); ok {
		v.Size = disk.Size
	}
	for role, take := range map[manifest.Role]func(content []byte) error{
		manifest.PackageList: func(content []byte) (err error) {
			v.Packages, err = manifest.ParsePackages(bytes.NewReader(content))
			return err
		},
		manifest.SecurityFixes: func(content []byte) (err error) {
			v.Changelogs, err = manifest.ParseFixes(bytes.NewReader(content))
			return err
		},
		manifest.CommitList: func(content []byte) (err error) {
			v.Commits, err = manifest.ParseCommits(bytes.NewReader(content))
			return err
		},
	} {
		described, ok := file(role)
		if !ok {
			continue
		}
		content, err := read(described.Name)
		if err == nil {
			err = take(content)
		}
		if err != nil {
			return Variant{}, fmt.Errorf("reading what is in %s: %w", name, err)
		}
	}
	return v, nil
}
