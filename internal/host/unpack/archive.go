package unpack

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// eachOfZip calls add with every member of a zip file.
func eachOfZip(file string, add func(member) error) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	for _, f := range archive.File {
		m := member{name: f.Name, mode: f.Mode(), size: int64(min(f.UncompressedSize64, 1<<62)), content: f.Open} //nolint:gosec // it is bounded
		if m.mode&fs.ModeSymlink != 0 {
			if m.target, err = linkTarget(f); err != nil {
				return err
			}
		}
		if err := add(m); err != nil {
			return err
		}
	}
	return nil
}

// linkTarget reads where a symbolic link in a zip file leads.
func linkTarget(f *zip.File) (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	target, err := io.ReadAll(io.LimitReader(in, maxTarget+1))
	return string(target), err
}

// eachOfTar calls add with every member of a tar file.
func eachOfTar(file string, add func(member) error) error {
	f, err := regular.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return eachIn(f, add)
}

// eachIn calls add with every member of a tar file that is read from r.
func eachIn(r io.Reader, add func(member) error) error {
	plain, err := decompress(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }()
	archive := tar.NewReader(plain)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := add(ofTar(header, archive)); err != nil {
			return err
		}
	}
}

func ofTar(header *tar.Header, content io.Reader) member {
	return member{
		name: header.Name, mode: header.FileInfo().Mode(), target: header.Linkname, size: header.Size,
		hard:    header.Typeflag == tar.TypeLink,
		content: func() (io.ReadCloser, error) { return io.NopCloser(content), nil },
	}
}

// maxWindow is the most memory that a decompressor may take: what xz -9 and
// zstd --long need.
const maxWindow = 128 << 20

// decompress finds the compression by how the file begins.
func decompress(r *bufio.Reader) (io.ReadCloser, error) {
	begin, err := r.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.HasPrefix(begin, []byte("\xfd7zXZ\x00")):
		plain, err := xz.ReaderConfig{DictCap: maxWindow}.NewReader(r)
		return io.NopCloser(plain), err
	case bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		plain, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return plain.IOReadCloser(), nil
	case bytes.HasPrefix(begin, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(r)), nil
	}
	return io.NopCloser(r), nil
}
