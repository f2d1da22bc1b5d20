package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/git"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// UnreachableError says that a git repository cannot be read.
type UnreachableError struct {
	Repository string
	Err        error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the git repository %s cannot be read: %v", e.Repository, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *UnreachableError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Network, Try: fault.To(fault.ReadGit, e.Repository)}
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// fromDirectory takes the directory as it is. Whether it is also a git work
// tree is worth knowing, and no fault if not.
func fromDirectory(ctx context.Context, spec Spec) (Tree, error) {
	dir, err := filepath.Abs(spec.Location)
	if err != nil {
		return Tree{}, fmt.Errorf("finding the source: %w", err)
	}
	tree := Tree{Dir: dir, Origin: filepath.Base(dir)}
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return tree, ctx.Err()
	}
	defer repository.Close()
	commit, err := repository.Head(ctx)
	if err != nil {
		return tree, ctx.Err()
	}
	tree.Commit = commit
	if changed, err := repository.Changed(ctx, commit); err != nil || changed {
		tree.Commit += "-dirty"
	}
	if history, err := recent(ctx, repository, commit); err == nil {
		tree.History = history
	}
	return tree, ctx.Err()
}

// fromGit keeps the files of each commit in the cache. A branch or tag is
// looked up each time; a full commit that is there needs no network.
func fromGit(ctx context.Context, c cache.Dir, spec Spec) (Tree, error) {
	remote, err := absolute(spec.Location)
	if err != nil {
		return Tree{}, err
	}
	trust, err := spec.Fetch.TrustFile(ctx, c)
	if err != nil {
		return Tree{}, err
	}
	var env []string
	if trust != "" {
		env = []string{"GIT_SSL_CAINFO=" + trust}
	}
	commit, err := resolve(ctx, env, remote, spec.Ref)
	if err != nil {
		return Tree{}, err
	}
	dir, _, err := c.Get(ctx, "source", cache.Key(remote, commit), func(dir string) error {
		return checkout(ctx, env, remote, commit, spec.Ref, dir)
	})
	if err != nil {
		return Tree{}, err
	}
	history, err := historyOf(ctx, c, env, remote, commit, spec.Ref)
	return Tree{Dir: dir, Commit: commit, Origin: origin(spec.Location), History: history}, err
}

// absolute makes the path of a local repository absolute.
func absolute(location string) (string, error) {
	if git.IsRemote(location) {
		return location, nil
	}
	return filepath.Abs(location)
}

// resolve returns the commit that ref is in the remote repository.
func resolve(ctx context.Context, env []string, remote, ref string) (string, error) {
	if fullCommit.MatchString(ref) {
		return ref, nil
	}
	if ref == "" {
		ref = "HEAD"
	}
	listed, err := git.Fetch(ctx, "", env, "ls-remote", "--", remote, ref, ref+"^{}")
	if err != nil {
		return "", &UnreachableError{Repository: origin(remote), Err: reason(err, remote)}
	}
	commit := pick(listed, ref)
	if commit == "" {
		return "", field.Errorf("Source.Ref", "%s has no branch or tag %s; a commit is named in full, with 40 digits", origin(remote), ref)
	}
	return commit, nil
}

// pick chooses from the answer of ls-remote as git itself does: a tag's commit
// before the tag, tags before branches.
func pick(listed, ref string) string {
	found := map[string]string{}
	for _, line := range strings.Split(listed, "\n") {
		if commit, name, ok := strings.Cut(line, "\t"); ok {
			found[name] = commit
		}
	}
	for _, form := range []string{"%s^{}", "%s", "refs/tags/%s^{}", "refs/tags/%s", "refs/heads/%s"} {
		if commit := found[fmt.Sprintf(form, ref)]; commit != "" {
			return commit
		}
	}
	return ""
}

func checkout(ctx context.Context, env []string, remote, commit, ref, dir string) error {
	if _, err := git.Local(ctx, dir, nil, "init", "--quiet"); err != nil {
		return fmt.Errorf("fetching %s: %w", origin(remote), err)
	}
	if err := pull(ctx, env, remote, commit, ref, dir, "--depth=1"); err != nil {
		return fmt.Errorf("fetching %s of %s: %w", commit, origin(remote), reason(err, remote))
	}
	// Line ends and filters of the host's user would change the source.
	if _, err := git.Local(ctx, dir, nil, "-c", "advice.detachedHead=false", "checkout", "--quiet", commit); err != nil {
		return fmt.Errorf("fetching %s of %s: %w", commit, origin(remote), reason(err, remote))
	}
	return os.RemoveAll(filepath.Join(dir, ".git"))
}

// pull asks for the one commit, as deep as told; servers that give none by its
// name are asked for the ref, or for everything.
func pull(ctx context.Context, env []string, remote, commit, ref, dir, depth string) error {
	_, err := git.Fetch(ctx, dir, env, "fetch", "--quiet", depth, "--no-tags", "--", remote, commit)
	if err == nil || ctx.Err() != nil {
		return err
	}
	args := []string{"fetch", "--quiet", "--", remote, "+refs/*:refs/theirs/*"}
	if ref != "" && ref != commit {
		args = []string{"fetch", "--quiet", depth, "--no-tags", "--", remote, ref}
	}
	_, err = git.Fetch(ctx, dir, env, args...)
	return err
}

// reason is the line in which git says what is wrong.
func reason(err error, remote string) error {
	var exit *command.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	lines := strings.Split(strings.TrimSpace(exit.Stderr), "\n")
	for _, line := range lines {
		if what, ok := strings.CutPrefix(line, "fatal: "); ok {
			return &gitError{address.Replace(what, remote), err}
		}
	}
	return &gitError{address.Replace(lines[len(lines)-1], remote), err}
}

type gitError struct {
	what string
	err  error
}

func (e *gitError) Error() string { return "git: " + e.what }
func (e *gitError) Unwrap() error { return e.err }

// origin is a location as an image may tell it: without secrets, and of a local
// one only its last part.
func origin(location string) string {
	if !git.IsRemote(location) {
		return path.Base(filepath.ToSlash(location))
	}
	if u, err := url.Parse(location); err == nil && u.Scheme == "file" {
		return path.Base(u.Path)
	}
	return address.Bare(location)
}
