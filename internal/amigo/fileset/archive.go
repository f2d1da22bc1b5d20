package fileset

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// WriteTar writes files to w as a tar archive with paths relative to the root.
// All get the modification time when. progress, which may be nil, is told how
// many bytes of content have been written.
func WriteTar(w io.Writer, files []File, when time.Time, progress func(int64)) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		if err := add(archive, f, when, progress); err != nil {
			return fmt.Errorf("packing %s: %w", f.Path, err)
		}
	}
	return archive.Close()
}

func add(archive *tar.Writer, f File, when time.Time, progress func(int64)) error {
	header := &tar.Header{
		Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(f.Mode.Perm()),
		ModTime: when, Uname: owner(f), Gname: owner(f), Format: tar.FormatPAX,
	}
	switch {
	case f.Mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		return archive.WriteHeader(header)
	case f.Mode&fs.ModeSymlink != 0:
		header.Typeflag, header.Linkname = tar.TypeSymlink, f.Link
		return archive.WriteHeader(header)
	}
	content, size, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	header.Typeflag, header.Size = tar.TypeReg, size
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(&counter{archive, progress}, content)
	return err
}

func owner(f File) string {
	if f.Owner == "" {
		return "root"
	}
	return f.Owner
}

// counter tells how much goes through it.
type counter struct {
	w    io.Writer
	tell func(int64)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.tell != nil {
		c.tell(int64(n))
	}
	return n, err
}
