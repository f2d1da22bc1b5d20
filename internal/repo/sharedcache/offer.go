package sharedcache

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
)

// offer puts an entry into the store, unless somebody else has done so
// meanwhile: then the record is the zero value.
func (c *Cache) offer(ctx context.Context, s *store.Store, e entry, dir, work string) (record, error) {
	if there, err := c.isThere(ctx, s, e); there || err != nil {
		return record{}, err
	}
	file := filepath.Join(work, "archive")
	made, err := pack(ctx, dir, file)
	if err != nil {
		return record{}, err
	}
	made.Version, made.Entry = format, e.kind+"/"+e.key
	if err := c.upload(ctx, s, e, made, file); err != nil {
		return record{}, err
	}
	content, err := json.Marshal(made)
	if err != nil {
		return record{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errSlow)
	defer cancel()
	return made, because(ctx, s.Put(ctx, e.record(), append(content, '\n')))
}

// isThere tells whether the store has an entry that nothing is wrong with, as far
// as is known.
func (c *Cache) isThere(ctx context.Context, s *store.Store, e entry) (bool, error) {
	found, err := c.look(ctx, s, e)
	switch {
	case errors.Is(err, errNewer):
		return true, nil // it is not ours to replace
	case errors.Is(err, errSlow):
		return false, err
	case err != nil || c.isSpoiled(found.archive()):
		return false, nil
	}
	return c.isWhole(ctx, s, found)
}

// isWhole tells whether an archive is in the store and has its length.
func (c *Cache) isWhole(ctx context.Context, s *store.Store, r record) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errSlow)
	defer cancel()
	found, err := s.Stat(ctx, r.archive())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && found.Size == r.Size, because(ctx, err)
}

// upload writes an archive. One that is there already is the same, unless
// something has damaged it.
func (c *Cache) upload(ctx context.Context, s *store.Store, e entry, r record, file string) error {
	err := c.create(ctx, s, e, r, file)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if whole, err := c.isWhole(ctx, s, r); err != nil || whole && !c.isSpoiled(r.archive()) {
		return err
	}
	removing, cancel := context.WithTimeoutCause(ctx, c.patience, errSlow)
	defer cancel()
	if err := s.Remove(removing, r.archive()); err != nil {
		return because(removing, err)
	}
	return c.create(ctx, s, e, r, file)
}

func (c *Cache) create(ctx context.Context, s *store.Store, e entry, r record, file string) error {
	f, err := regular.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, w := c.watch(ctx, e, r.Size)
	defer w.stop()
	return because(watched, s.Create(watched, r.archive(), &outgoing{from: f, moved: w.moved}))
}

// outgoing is an archive that is on its way to the store.
type outgoing struct {
	from  io.Reader
	size  int64
	moved func(done int64)
}

func (o *outgoing) Read(p []byte) (int, error) {
	n, err := o.from.Read(p)
	o.size += int64(n)
	o.moved(o.size)
	return n, err
}

// pack writes what is below dir into one archive: names, contents and whether
// files may be executed, but no times and no owners, so that the same entry is
// the same archive.
func pack(ctx context.Context, dir, file string) (record, error) {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return record{}, fmt.Errorf("making an archive: %w", err)
	}
	sum := sha256.New()
	err = packTo(ctx, io.MultiWriter(out, sum), dir)
	info, failed := out.Stat()
	if err = errors.Join(err, failed, out.Close()); err != nil {
		return record{}, fmt.Errorf("making an archive: %w", err)
	}
	return record{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: info.Size()}, nil
}

func packTo(ctx context.Context, out io.Writer, dir string) error {
	compressed, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	err = filepath.WalkDir(dir, func(path string, found fs.DirEntry, err error) error {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil || path == dir {
			return err
		}
		return add(ctx, archive, dir, path, found)
	})
	if err == nil {
		err = archive.Close()
	}
	return errors.Join(err, compressed.Close())
}

// add writes one member. What would not be unpacked is an error here already.
func add(ctx context.Context, archive *tar.Writer, dir, path string, found fs.DirEntry) error {
	name, err := filepath.Rel(dir, path)
	if err == nil {
		err = unpack.CheckName(name)
	}
	if err != nil {
		return err
	}
	info, err := found.Info()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: 0o644 | int64(info.Mode().Perm()&0o111)}
	switch {
	case info.IsDir():
		header.Typeflag, header.Mode = tar.TypeDir, 0o755
	case info.Mode()&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(path); err == nil && !unpack.StaysInside(name, header.Linkname) {
			err = fmt.Errorf("%s is a link that leads out of the entry", name)
		}
	case info.Mode().IsRegular():
		header.Typeflag, header.Size = tar.TypeReg, info.Size()
	default:
		err = fmt.Errorf("%s is neither a file, a directory nor a link", name)
	}
	if err == nil {
		err = archive.WriteHeader(header)
	}
	if err != nil || header.Size == 0 {
		return err
	}
	return copyFile(ctx, archive, path)
}

func copyFile(ctx context.Context, archive io.Writer, path string) error {
	f, err := regular.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for {
		_, err := io.CopyN(archive, f, 8<<20)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
