package gosite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/diskspace"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// buffered is how much of the archive is read at once, in bytes.
const buffered = 1 << 20

// SpaceError says that an index can't fit where it would be unpacked.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("the archive with the index has %s, and %s has only %s free", bytesize.Of(e.Need), e.Dir, bytesize.Of(e.Free))
}

// Fault implements [fault.Reporter].
func (e *SpaceError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Host}
}

// Index brings the index of a release into the cache and returns its directory. It is
// unpacked while it comes: the archive itself is never on the disk. Where a connection
// breaks, it goes on.
func Index(ctx context.Context, c cache.Dir, r Release, progress func(done, total int64)) (dir string, err error) {
	dir, _, err = c.Get(ctx, "release", r.Digest(), func(dir string) error {
		if err := hasRoom(dir, r.Size); err != nil {
			return err
		}
		return r.unpack(ctx, filepath.Join(dir, "index"), progress)
	})
	return filepath.Join(dir, "index"), err
}

// hasRoom finds out what is certain: nothing unpacks to less than its archive.
func hasRoom(dir string, size int64) error {
	free, err := diskspace.Free(dir)
	if err != nil {
		return fmt.Errorf("looking for room for the index: %w", err)
	}
	if free < size {
		return &SpaceError{Dir: dir, Need: size, Free: free}
	}
	return nil
}

func (r Release) unpack(ctx context.Context, dir string, progress func(done, total int64)) error {
	file, err := r.from.Open(ctx, indexPath, r.Size)
	if err != nil {
		return fmt.Errorf("loading the index: %w", err)
	}
	defer func() { _ = file.Close() }()
	archive, err := gzip.NewReader(bufio.NewReaderSize(io.TeeReader(file, &fetch.Meter{Total: r.Size, Tell: progress}), buffered))
	if err != nil {
		return r.damaged(err)
	}
	if err := unpack.Tar(ctx, archive, dir); err != nil {
		return r.damaged(err)
	}
	// What is behind the last file has the archive's checksum.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return r.damaged(err)
	}
	return nil
}

// damaged says which archive it was, if that is what is wrong.
func (r Release) damaged(err error) error {
	for _, wrong := range []error{gzip.ErrHeader, gzip.ErrChecksum, io.ErrUnexpectedEOF} {
		if errors.Is(err, wrong) {
			return &OtherError{Name: r.Date, Why: fmt.Sprintf("%s is damaged: %v", r.from.URL(indexPath), err)}
		}
	}
	return fmt.Errorf("loading %s: %w", r.from.URL(indexPath), err)
}
