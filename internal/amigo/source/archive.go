package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
)

func fromArchive(ctx context.Context, c cache.Dir, spec Spec) (Tree, error) {
	file, sum, err := fetch.File(ctx, c, spec.Location, spec.Checksum, spec.Fetch)
	if err != nil {
		return Tree{}, err
	}
	dir, _, err := c.Get(ctx, "source", cache.Key("archive", sum), func(dir string) error {
		return unpack.File(ctx, file, filepath.Join(dir, "tree"))
	})
	if err != nil {
		return Tree{}, err
	}
	top, err := only(filepath.Join(dir, "tree"))
	return Tree{Dir: top, Origin: origin(spec.Location)}, err
}

// only goes down into the one directory that archives have everything in.
func only(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("looking into an archive: %w", err)
	}
	if len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name()), nil
	}
	return dir, nil
}
