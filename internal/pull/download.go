package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/sparse"
)

// Download makes target, a plain file, from path in a repository. It goes on
// where an earlier call stopped, if the server can send parts. Its errors are
// those of [Assemble].
func Download(ctx context.Context, from origin.Origin, path string, want layout.Reference, target string, sink event.Sink) (Result, error) {
	start := time.Now()
	d := &download{from: from, path: path, want: want, sink: sink}
	err := d.run(ctx, target)
	d.result.Elapsed = time.Since(start)
	return d.result, err
}

// download is a file on its way here.
type download struct {
	from   origin.Origin
	path   string
	want   layout.Reference
	sink   event.Sink
	file   *partial
	hash   hash.Hash // of what is in the file
	result Result
}

func (d *download) run(ctx context.Context, target string) (err error) {
	d.file, err = openPartial(ctx, target, d.want.SHA256, func(text string) {
		d.sink.Emit(event.Event{Type: event.Message, Phase: PhaseFetch, Text: text})
	})
	if err != nil {
		return err
	}
	defer d.file.keep()
	if d.result.Present = d.good(ctx, target); d.result.Present {
		d.file.drop()
		return nil
	}
	if err := d.resume(ctx); err != nil {
		return err
	}
	if err := room(filepath.Dir(target), d.want.Size-d.result.Kept); err != nil {
		return err
	}
	if err := phase(d.sink, PhaseFetch, d.from.URL(d.path), d.fetch(ctx)); err != nil {
		return full(target, err)
	}
	return full(target, d.file.finish())
}

// good tells whether the file at path is whole and what it should be.
func (d *download) good(ctx context.Context, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() != d.want.Size {
		return false
	}
	digest := sha256.New()
	err = sparse.Hash(ctx, digest, f, d.want.Size, func(int64) {})
	return err == nil && hex.EncodeToString(digest.Sum(nil)) == d.want.SHA256
}

// resume takes what an earlier pull left as the file's beginning. Whether it
// is shows when all of it is here.
func (d *download) resume(ctx context.Context) error {
	d.hash = sha256.New()
	info, err := d.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at an unfinished pull: %w", err)
	}
	d.result.Kept = info.Size()
	if d.result.Kept > d.want.Size {
		return d.restart()
	}
	return sparse.Hash(ctx, d.hash, d.file.File, d.result.Kept, func(int64) {})
}

// restart forgets what is there.
func (d *download) restart() error {
	d.hash.Reset()
	d.result.Kept = 0
	if err := d.file.Truncate(0); err != nil {
		return fmt.Errorf("starting again with %s: %w", d.file.target, err)
	}
	return nil
}

func (d *download) fetch(ctx context.Context) func(*event.Phase) (string, error) {
	return func(p *event.Phase) (string, error) {
		for try := 1; ; try++ {
			err := d.rest(ctx, p)
			if err == nil {
				err = d.verify()
			}
			if err == nil || !retried(err) || try == tries {
				return fmt.Sprintf("%d MiB", d.result.Fetched>>20), err
			}
			p.Say(err.Error() + "; fetching it from its beginning")
			if err := d.restart(); err != nil {
				return "", err
			}
		}
	}
}

// retried tells whether to begin again from the beginning.
func retried(err error) bool { return served(err) || errors.Is(err, chunk.ErrContent) }

// rest fetches what is behind the end of the file.
func (d *download) rest(ctx context.Context, p *event.Phase) error {
	at, err := d.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("going on with %s: %w", d.file.target, err)
	}
	if at == d.want.Size {
		return nil
	}
	body, err := d.open(ctx, at)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	to := io.MultiWriter(d.file, d.hash, progress(func(n int64) {
		d.result.Fetched += n
		at += n
		p.Progress(at, d.want.Size, event.Bytes)
	}))
	if _, err := io.CopyBuffer(to, body, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("fetching %s: %w", d.from.URL(d.path), err)
	}
	return nil
}

func (d *download) open(ctx context.Context, at int64) (io.ReadCloser, error) {
	d.result.Ranges++
	if at == 0 {
		return d.from.Open(ctx, d.path, d.want.Size)
	}
	return d.from.Range(ctx, d.path, at, d.want.Size-at, d.want.Size)
}

func (d *download) verify() error {
	got := hex.EncodeToString(d.hash.Sum(nil))
	if got == d.want.SHA256 {
		return nil
	}
	return &DigestError{What: d.from.URL(d.path), Got: got, Want: d.want.SHA256, err: chunk.ErrContent}
}

// progress is a writer that counts.
type progress func(n int64)

func (p progress) Write(content []byte) (int, error) {
	p(int64(len(content)))
	return len(content), nil
}
