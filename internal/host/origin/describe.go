package origin

import (
	"context"
	"fmt"
	"net/http"
)

// Described is what is known of a file before it is read.
type Described struct {
	Size    int64  // bytes
	Version string // another one when the file is, as far as who has it can tell
}

// Describe asks for the size of a file, and what tells it from others of its name. o is one
// that this package opened.
func Describe(ctx context.Context, o Origin, path string) (Described, error) {
	return o.(interface {
		describe(ctx context.Context, path string) (Described, error)
	}).describe(ctx, path)
}

func (d directory) describe(ctx context.Context, path string) (Described, error) {
	f, err := d.open(ctx, path)
	if err != nil {
		return Described{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Described{}, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return Described{Size: info.Size(), Version: info.ModTime().UTC().String()}, nil
}

func (w *web) describe(ctx context.Context, path string) (Described, error) {
	return retry(ctx, w.current(), func() (Described, error) {
		r, err := w.ask(ctx, http.MethodHead, path, "")
		if err != nil {
			return Described{}, err
		}
		defer func() { _ = r.Close() }()
		if err := r.plain(); err != nil {
			return Described{}, err
		}
		if r.ContentLength < 0 {
			return Described{}, &SizelessError{URL: r.url}
		}
		return Described{Size: r.ContentLength, Version: r.Header.Get("ETag") + r.Header.Get("Last-Modified")}, nil
	})
}
