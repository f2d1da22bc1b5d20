package obtain

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Side returns what is known of a version, to compare it with another. The
// manifest is signed, and the files are those that it names.
func (r *Repository) Side(ctx context.Context, c Choice) (changes.Side, error) {
	v, _, err := r.Manifest(ctx, c)
	if err != nil {
		return changes.Side{}, err
	}
	read := func(name string) ([]byte, error) {
		for _, file := range v.Files {
			if file.Name == name {
				return r.fetch(ctx, v.Path(name), layout.Reference{Size: file.Size, SHA256: file.SHA256})
			}
		}
		return nil, fmt.Errorf("version %s has no file %s", v.Version, name)
	}
	return changes.OfVersion(v, read, func(image layout.Image) (*chunk.Index, error) { return r.index(ctx, c, v, image) })
}
