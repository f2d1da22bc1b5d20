package obtain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// index reads the chunk index of an image: what the manifest says of it must be
// signed, too.
func (r *Repository) index(ctx context.Context, c Choice, v layout.VersionManifest, image layout.Image) (*chunk.Index, error) {
	file, err := v.File(image, layout.Index)
	if err != nil {
		return nil, err
	}
	frames, err := v.File(image, layout.Chunks)
	if err != nil {
		return nil, err
	}
	path, want := v.Path(file.Name), layout.Reference{Size: file.Size, SHA256: file.SHA256}
	signed, err := r.View.File(ctx, c.Channel, path)
	if err != nil {
		return nil, err
	}
	if signed != want {
		return nil, &MismatchError{URL: r.from.URL(path), Got: want, Want: signed}
	}
	index := unfinished(r.store.Unfinished(c.Version, image.Variant, imagestore.IndexFile), want)
	if index == nil {
		if index, err = r.readIndex(ctx, path, want); err != nil {
			return nil, err
		}
	}
	if err := agrees(index, image, frames); err != nil {
		return nil, errors.Join(err, index.Close())
	}
	return index, nil
}

// unfinished returns the index that an earlier pull has left at path, or nil.
func unfinished(path string, want layout.Reference) *chunk.Index {
	index, err := chunk.Open(path)
	if err != nil {
		return nil
	}
	if index.Self.Size == want.Size && index.Self.SHA256.String() == want.SHA256 {
		return index
	}
	_ = index.Close()
	return nil
}

// readIndex fetches a chunk index. It may be large, so it goes to the disk, to a
// file that is gone when it is closed.
func (r *Repository) readIndex(ctx context.Context, path string, want layout.Reference) (*chunk.Index, error) {
	f, err := r.store.Temporary()
	if err != nil {
		return nil, err
	}
	if err := r.download(ctx, path, want, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	index, err := chunk.ReadFile(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return index, nil
}

// downloads is how often a file is fetched in all from a server that breaks off
// and cannot go on in the middle.
const downloads = 3

// download is [Repository.fetch] for a file that may be large: it writes it to an
// empty file.
func (r *Repository) download(ctx context.Context, path string, want layout.Reference, to *os.File) error {
	for try := 1; ; try++ {
		err := r.attempt(ctx, path, want, to)
		var whole *origin.NoRangesError
		if !errors.As(err, &whole) || try == downloads {
			return err
		}
		if _, err := to.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("fetching %s again: %w", r.from.URL(path), err)
		}
	}
}

func (r *Repository) attempt(ctx context.Context, path string, want layout.Reference, to *os.File) error {
	body, err := r.from.Open(ctx, path, want.Size)
	if errors.Is(err, fs.ErrNotExist) {
		err = &LostError{URL: r.from.URL(path), Err: err}
	}
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, hash), body); err != nil {
		return fmt.Errorf("fetching %s: %w", r.from.URL(path), err)
	}
	got := layout.Reference{Size: want.Size, SHA256: hex.EncodeToString(hash.Sum(nil))}
	if got != want {
		return &MismatchError{URL: r.from.URL(path), Got: got, Want: want}
	}
	return nil
}

// agrees checks that an index is about the disk and the frames that it should
// be about.
func agrees(index *chunk.Index, image layout.Image, frames manifest.File) error {
	if index.Disk.Size != image.Disk.Size || index.Disk.SHA256.String() != image.Disk.SHA256 ||
		index.Frames.Name != frames.Name || index.Frames.Size != frames.Size {
		return fmt.Errorf("the chunk index of %s is that of another disk", image.Variant)
	}
	return nil
}

// seeds reads the indices of images that are here, in their order.
func seeds(images []imagestore.Image) iter.Seq[pull.Seed] {
	return func(yield func(pull.Seed) bool) {
		for _, image := range images {
			index, err := chunk.Open(image.Index())
			if err != nil {
				continue
			}
			more := yield(pull.Seed{Disk: image.Disk(), Index: index})
			if _ = index.Close(); !more {
				return
			}
		}
	}
}

// saveIndex writes an index to path. Another process may be reading what is there,
// and this one, too.
func saveIndex(index *chunk.Index, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, index.Reader())
	return errors.Join(err, f.Sync(), f.Close())
}
