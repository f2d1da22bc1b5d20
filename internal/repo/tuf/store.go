package tuf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

var metadataName = regexp.MustCompile(`^([1-9][0-9]{0,9})\.([a-z][a-z0-9-]*)\.json$`)

// store keeps metadata files in the ring.
func (r *Ring) store(files []File) error {
	dir := filepath.Join(r.dir, layout.MetadataDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keeping metadata with the keys: %w", err)
	}
	for _, file := range files {
		name := filepath.Join(dir, filepath.Base(file.Path))
		old, err := regular.ReadFile(name, regular.Document)
		switch {
		case err == nil && bytes.Equal(old, file.Content):
		case err == nil && sameSigned(old, file.Content): // others have signed it
			err = durable.WriteFile(name, file.Content, 0o644)
		default:
			err = writeNew(name, file.Content, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stored returns the ring's metadata files of a role by their version.
func (r *Ring) stored(role string) (map[int64][]byte, error) {
	return storedIn(filepath.Join(r.dir, layout.MetadataDir), role)
}

func storedIn(dir, role string) (map[int64][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking at the metadata with the keys: %w", err)
	}
	files := map[int64][]byte{}
	for _, entry := range entries {
		match := metadataName.FindStringSubmatch(entry.Name())
		if match == nil || match[2] != role {
			continue
		}
		version, err := strconv.ParseInt(match[1], 10, 64)
		if err != nil {
			continue
		}
		if files[version], err = regular.ReadFile(filepath.Join(dir, entry.Name()), regular.Document); err != nil {
			return nil, fmt.Errorf("reading the metadata with the keys: %w", err)
		}
	}
	return files, nil
}

// newest returns the newest of the ring's files of a role, and nil when there
// is none.
func (r *Ring) newest(role string) (version int64, content []byte, err error) {
	files, err := r.stored(role)
	version, content = last(files)
	return version, content, err
}

// last returns the newest of the versions of a file, and 0 when there is none.
func last(files map[int64][]byte) (version int64, content []byte) {
	for v := range files {
		version = max(version, v)
	}
	return version, files[version]
}

// Root returns the oldest root that the ring holds. All trust begins there.
func (r *Ring) Root() (version int64, content []byte, err error) {
	files, err := r.stored(metadata.ROOT)
	if err != nil {
		return 0, nil, err
	}
	if len(files) == 0 {
		return 0, nil, r.noRoot()
	}
	version = slices.Min(slices.Collect(maps.Keys(files)))
	return version, files[version], nil
}

// noRoot tells why there is no root.
func (r *Ring) noRoot() error {
	pending, err := r.Pending()
	if err != nil {
		return err
	}
	if pending != nil {
		return &PendingError{Dir: r.pending, Pending: *pending}
	}
	return &NoRootError{Dir: filepath.Join(r.dir, layout.MetadataDir)}
}

// metadata returns where the ring keeps a metadata file.
func (r *Ring) metadata(role string, version int64) string {
	return filepath.Join(r.dir, layout.MetadataDir, fileName(role, version))
}
