package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// directory is a repository in the file system.
type directory string

func (d directory) URL(path string) string {
	return filepath.Join(string(d), filepath.FromSlash(path))
}

func (d directory) Fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	f, err := d.open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	if int64(len(content)) > limit {
		return nil, &SizeError{URL: f.Name(), Got: -1, Want: limit}
	}
	return content, nil
}

func (d directory) Open(ctx context.Context, path string, total int64) (io.ReadCloser, error) {
	return d.Range(ctx, path, 0, total, total)
}

func (d directory) Range(ctx context.Context, path string, offset, length, total int64) (io.ReadCloser, error) {
	f, err := d.open(ctx, path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != total {
		err = &SizeError{URL: f.Name(), Got: info.Size(), Want: total}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return part{io.NewSectionReader(f, offset, length), f}, nil
}

func (d directory) open(ctx context.Context, path string) (*os.File, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	f, err := regular.Open(d.URL(path))
	if err != nil {
		return nil, fmt.Errorf("reading the repository: %w", err)
	}
	return f, nil
}

// part is a part of a file that is closed with it.
type part struct {
	io.Reader
	io.Closer
}
