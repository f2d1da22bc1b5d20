package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// files is a directory. It reads as an object store does and writes by itself:
// the library's own writer neither syncs nor compares in one step.
type files struct {
	objects
	root    string // absolute
	missing bool   // and so far it reads as an empty one
}

// Files that publishers of a directory share. Half-written files lie apart, so
// that no reader and no list meets them.
var (
	swapLock   = path.Join(layout.StateDir, "swap.lock")
	partialDir = path.Join(layout.StateDir, "partial")
)

func openFiles(dir string) (*files, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", dir, err)
	}
	bucket, err := openRoot(root)
	if err != nil {
		return nil, err
	}
	return &files{objects: objects{bucket: bucket}, root: root}, nil
}

func openRoot(root string) (*blob.Bucket, error) {
	bucket, err := fileblob.OpenBucket(root, &fileblob.Options{
		DirFileMode: 0o755, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the directory of the store: %w", err)
	}
	return bucket, nil
}

// newFiles is a directory that is not there yet.
func newFiles(dir string) (*files, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", dir, err)
	}
	return &files{objects: objects{bucket: memblob.OpenBucket(nil)}, root: root, missing: true}, nil
}

// make makes the directory if it is missing.
func (f *files) make() error {
	if err := os.MkdirAll(f.path(layout.StateDir), 0o755); err != nil || !f.missing {
		return err
	}
	bucket, err := openRoot(f.root)
	if err != nil {
		return err
	}
	empty := f.bucket
	f.bucket, f.missing = bucket, false
	return empty.Close()
}

func (f *files) path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

func (f *files) open(_ context.Context, name string) (io.ReadCloser, error) {
	return regular.Open(f.path(name))
}

func (f *files) tag(ctx context.Context, name string) (Tag, error) {
	file, err := f.open(ctx, name)
	if err != nil {
		return Tag{}, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return Tag{}, err
	}
	return Tag{sha256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// private returns the first of some paths, or of the directories above it, that
// other users of this host cannot read.
func (f *files) private(names []string) (found string, mode fs.FileMode) {
	for _, name := range names {
		for path := f.path(name); len(path) >= len(f.root); path = filepath.Dir(path) {
			info, err := os.Stat(path)
			if err != nil {
				continue
			}
			needed := fs.FileMode(0o004)
			if info.IsDir() {
				needed = 0o005
			}
			if info.Mode()&needed != needed {
				return path, info.Mode().Perm()
			}
		}
	}
	return "", 0
}

func (f *files) write(ctx context.Context, name string, body io.Reader, cond condition) error {
	partial, err := f.partial(ctx, name, body)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(partial) }()
	dir := filepath.Dir(f.path(name))
	top := dir // up to where names are new
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		top = f.root
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := f.place(ctx, name, partial, cond); err != nil || cond.always {
		return err // the names of files that nobody trusts may be lost
	}
	return syncDirs(top, dir)
}

// place gives a written file its name. A link, unlike a rename, replaces
// nothing.
func (f *files) place(ctx context.Context, name, partial string, cond condition) error {
	if cond.always {
		return os.Rename(partial, f.path(name))
	}
	if cond.tag == (Tag{}) {
		return os.Link(partial, f.path(name))
	}
	lock := flock.New(f.path(swapLock))
	if _, err := lock.TryLockContext(ctx, lockPoll/20); err != nil {
		return fmt.Errorf("waiting for another publisher: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	if now, err := f.tag(ctx, name); err != nil || now != cond.tag {
		return errors.Join(ErrChanged, err)
	}
	return os.Rename(partial, f.path(name))
}

// partial writes a file under a name that nobody reads, to the disk.
func (f *files) partial(ctx context.Context, name string, body io.Reader) (string, error) {
	dir := f.path(partialDir)
	if err := errors.Join(f.make(), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	out, err := os.OpenFile(filepath.Join(dir, path.Base(name)+"."+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	_, err = copyTo(ctx, out, body)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(out.Name()))
	}
	return out.Name(), nil
}

// piece is how much is copied between two looks at the context, in bytes.
const piece = 8 << 20

// copyTo copies in pieces. From file to file the kernel does it, and a file
// system that can share blocks does not copy at all.
func copyTo(ctx context.Context, out *os.File, body io.Reader) (total int64, err error) {
	for {
		if ctx.Err() != nil {
			return total, context.Cause(ctx)
		}
		n, err := io.CopyN(out, body, piece)
		total += n
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// syncDirs makes the names in dir, and in those above it up to top, survive a
// power cut.
func syncDirs(top, dir string) error {
	for {
		if err := durable.Sync(dir); err != nil {
			return err
		}
		if dir == top || !strings.HasPrefix(dir, top) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// remove removes a file, and the directory that it was the last one in.
func (f *files) remove(_ context.Context, name string) error {
	if err := os.Remove(f.path(name)); err != nil {
		return err
	}
	dir := filepath.Dir(f.path(name))
	if dir != f.root {
		_ = os.Remove(dir) // unless there is more in it
	}
	return nil
}

// lock locks a file. The kernel frees it when its holder dies, so it cannot be
// lost, and what lies half-written is a dead publisher's.
func (f *files) lock(ctx context.Context, who Owner) (context.Context, func(), error) {
	if err := f.make(); err != nil {
		return nil, nil, fmt.Errorf("locking the repository: %w", err)
	}
	lock := flock.New(f.path(lockPath))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, nil, fmt.Errorf("locking the repository: %w", err)
	}
	if !taken {
		return nil, nil, &LockedError{Owner: f.holder()}
	}
	err = errors.Join(os.RemoveAll(f.path(partialDir)), f.sign(who))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("locking the repository: %w", err), lock.Unlock())
	}
	return ctx, func() { _ = lock.Unlock() }, nil
}

// sign writes into the lock who holds it, for the one who waits.
func (f *files) sign(who Owner) error {
	content, err := json.Marshal(who)
	if err != nil {
		return err
	}
	return os.WriteFile(f.path(lockPath), append(content, '\n'), 0o644)
}

func (f *files) holder() Owner {
	owner := Owner{By: "another publisher"}
	if content, err := regular.ReadFile(f.path(lockPath), regular.Document); err == nil {
		var known Owner
		if json.Unmarshal(content, &known) == nil && known.By != "" {
			owner = known
		}
	}
	return owner
}
