package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

// ErrNone tells that a directory is neither a work tree nor a bare repository.
var ErrNone = errors.New("it is not a git repository")

// View reads a repository on this host by another one, which is ours: that has
// no configuration, and its objects are the other's.
type View struct {
	// Shallow tells that the repository has only the newest part of its history.
	Shallow bool

	dir     string // of the repository
	scratch *scratch.Dir
	bare    string // ours
}

// Open looks at the repository whose work tree or bare repository dir is. A
// directory inside a work tree is [ErrNone]. The view must be closed.
func Open(ctx context.Context, dir string) (*View, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening a git repository: %w", err)
	}
	common, err := commonDir(dir)
	if err != nil {
		return nil, err
	}
	tmp, err := scratch.New(os.TempDir(), "git")
	if err != nil {
		return nil, err
	}
	v := &View{dir: dir, scratch: tmp, bare: tmp.Path("view")}
	if err := v.borrow(ctx, common); err != nil {
		v.Close()
		return nil, fmt.Errorf("opening the git repository %s: %w", dir, err)
	}
	return v, nil
}

// borrow makes our repository, with the objects of the one in common.
func (v *View) borrow(ctx context.Context, common string) error {
	_, err := os.Stat(filepath.Join(common, "shallow"))
	v.Shallow = err == nil
	if _, err := Local(ctx, "", nil, "init", "--quiet", "--bare", "--", v.bare); err != nil {
		return err
	}
	objects := filepath.Join(common, "objects")
	if strings.ContainsAny(objects, "\n\"") {
		return errors.New("its path has a character that git's list of alternates can't hold")
	}
	return os.WriteFile(filepath.Join(v.bare, "objects", "info", "alternates"), []byte(objects+"\n"), 0o600)
}

// Close removes what the view needed.
func (v *View) Close() { v.scratch.Close() }

// Git runs git in our repository.
func (v *View) Git(ctx context.Context, env []string, args ...string) (string, error) {
	return Local(ctx, v.bare, env, args...)
}

var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})\tHEAD$`)

// Head returns the commit that is checked out. git-upload-pack reads it: that
// is the one program of git's that is made for repositories of strangers.
func (v *View) Head(ctx context.Context) (string, error) {
	out, err := Local(ctx, v.bare, nil, "ls-remote", "--", v.dir, "HEAD")
	if err != nil {
		return "", err
	}
	found := commitID.FindStringSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("%s has no commit yet", v.dir)
	}
	return found[1], nil
}

// Changed tells whether the work tree differs from a commit in files that the
// commit has. Submodules are not looked into.
func (v *View) Changed(ctx context.Context, commit string) (bool, error) {
	env := []string{"GIT_INDEX_FILE=" + v.scratch.Path("index"), "GIT_WORK_TREE=" + v.dir, "GIT_DIR=" + v.bare}
	if _, err := Local(ctx, v.dir, env, "read-tree", commit); err != nil {
		return false, err
	}
	out, err := Local(ctx, v.dir, env, "diff", "--name-only", "--ignore-submodules=all", "--no-ext-diff", "--no-textconv")
	return out != "", err
}

// commonDir returns the directory that holds a repository's objects: .git, the
// one that a file .git names for a work tree of its own, or dir itself.
func commonDir(dir string) (string, error) {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		git = dir
	case err != nil:
		return "", fmt.Errorf("opening a git repository: %w", err)
	case info.Mode().IsRegular():
		if git, err = pointer(git, "gitdir: ", dir); err != nil {
			return "", err
		}
	}
	if common, err := pointer(filepath.Join(git, "commondir"), "", git); err == nil {
		git = common
	}
	if info, err := os.Stat(filepath.Join(git, "objects")); err != nil || !info.IsDir() {
		return "", ErrNone
	}
	if info, err := os.Stat(filepath.Join(git, "HEAD")); err != nil || !info.Mode().IsRegular() {
		return "", ErrNone
	}
	return git, nil
}

// pointer reads a file of git's that names a directory, relative to base.
func pointer(file, prefix, base string) (string, error) {
	text, err := regular.ReadFile(file, regular.Document)
	if err != nil {
		return "", fmt.Errorf("opening a git repository: %w", err)
	}
	to, ok := strings.CutPrefix(strings.TrimSpace(string(text)), prefix)
	if !ok || to == "" {
		return "", ErrNone
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(base, to)
	}
	return to, nil
}
