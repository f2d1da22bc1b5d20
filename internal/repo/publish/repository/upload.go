package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// AlteredError says that a file of the repository is not what it should be.
type AlteredError struct{ Path string }

func (e *AlteredError) Error() string { return e.Path + " in the repository is not what was published" }

// Fault implements [fault.Reporter].
func (e *AlteredError) Fault() fault.Report {
	return fault.Report{What: "a file in the repository is not what was published", Where: e.Path, Code: fault.Verify}
}

// uploaded counts what an upload did, in bytes and files.
type uploaded struct {
	bytes, reused int64
	files         int
}

// upload puts the files of a version into the store and reads them back.
// Nobody knows of the version yet: what a dead publisher left of it is taken
// if it is right, else replaced.
func (r *Repository) upload(ctx context.Context, version string, files []staged) (uploaded, error) {
	sum := uploaded{files: len(files)}
	for _, file := range files {
		sum.bytes += file.Size
	}
	var err error
	phase := event.Start(r.Sink, "upload", fmt.Sprintf("%s, %d files", version, len(files)))
	sum.reused, err = r.send(ctx, version, files, sum.bytes, phase)
	if err = phase.End(event.OK, sent(sum), err); err != nil {
		return sum, err
	}
	phase = event.Start(r.Sink, "read back", "")
	err = r.readBack(ctx, version, files, sum.bytes, phase)
	return sum, phase.End(event.OK, fmt.Sprintf("%d of %d, as the public will see them", len(files), len(files)), err)
}

func sent(sum uploaded) string {
	text := bytesize.Of(sum.bytes - sum.reused)
	if sum.reused > 0 {
		text += "; " + bytesize.Of(sum.reused) + " were already there"
	}
	return text
}

// send returns how many bytes were there already.
func (r *Repository) send(ctx context.Context, version string, files []staged, total int64, phase *event.Phase) (reused int64, err error) {
	var done int64
	for _, file := range files {
		path := layout.Version(version, file.Name)
		there, err := r.store.Stat(ctx, path)
		switch {
		case err == nil && there.Size == file.Size:
			reused += file.Size
		case err == nil:
			err = r.renew(ctx, path, file, &progress{phase: phase, done: done, total: total})
		case errors.Is(err, fs.ErrNotExist):
			err = r.create(ctx, path, file, &progress{phase: phase, done: done, total: total})
		}
		if err != nil {
			return reused, err
		}
		done += file.Size
		phase.Progress(done, total, event.Bytes)
	}
	return reused, nil
}

// renew replaces a file that a dead publisher left.
func (r *Repository) renew(ctx context.Context, path string, file staged, p *progress) error {
	if err := r.store.Remove(ctx, path); err != nil {
		return err
	}
	return r.create(ctx, path, file, p)
}

// create uploads a file. A store whose answer was lost says that the file is
// there; whether it is the right one shows when it is read back.
func (r *Repository) create(ctx context.Context, path string, file staged, p *progress) error {
	body, err := file.open()
	if err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	defer func() { _ = body.Close() }()
	p.Reader = body
	err = r.store.Create(ctx, path, p)
	if err == nil {
		return nil
	}
	if there, lost := r.store.Stat(ctx, path); lost == nil && there.Size == file.Size {
		return nil
	}
	return err
}

// readBack verifies what the public would read.
func (r *Repository) readBack(ctx context.Context, version string, files []staged, total int64, phase *event.Phase) error {
	var done int64
	for _, file := range files {
		path := layout.Version(version, file.Name)
		at := func() *progress { return &progress{phase: phase, done: done, total: total} }
		err := r.verify(ctx, path, file, at())
		if errors.As(err, new(*AlteredError)) {
			err = r.renew(ctx, path, file, at())
			if err == nil {
				err = r.verify(ctx, path, file, at())
			}
		}
		if err != nil {
			return err
		}
		done += file.Size
	}
	return nil
}

func (r *Repository) verify(ctx context.Context, path string, file staged, p *progress) error {
	body, err := r.open(ctx, path, file.Size)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	defer func() { _ = body.Close() }()
	p.Reader = body
	return copyPinned(io.Discard, p, path, layout.Reference{Size: file.Size, SHA256: file.SHA256})
}

// copyPinned copies a file of the repository that must be this one.
func copyPinned(to io.Writer, from io.Reader, path string, pinned layout.Reference) error {
	digest := sha256.New()
	// One byte more than there should be shows a file that is too long.
	n, err := io.Copy(io.MultiWriter(to, digest), io.LimitReader(from, pinned.Size+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if n != pinned.Size || hex.EncodeToString(digest.Sum(nil)) != pinned.SHA256 {
		return &AlteredError{Path: path}
	}
	return nil
}

// progress is a reader that reports its progress to a phase.
type progress struct {
	io.Reader
	phase       *event.Phase
	done, total int64
}

func (p *progress) Read(buffer []byte) (int, error) {
	n, err := p.Reader.Read(buffer)
	p.done += int64(n)
	p.phase.Progress(p.done, p.total, event.Bytes)
	return n, err
}

// readStaged returns the content of a small file that waits to be uploaded.
func readStaged(files []staged, name string) ([]byte, error) {
	file, err := findStaged(files, name)
	if err != nil {
		return nil, err
	}
	body, err := file.open()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(body)
	return content, errors.Join(err, body.Close())
}

func findStaged(files []staged, name string) (staged, error) {
	for _, file := range files {
		if file.Name == name {
			return file, nil
		}
	}
	return staged{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}
