package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/git"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// errShallow says that a repository has only the newest part of its history,
// so that nobody can tell what a commit is built on.
var errShallow = errors.New("the clone is shallow")

// recent returns the last commits of what commit is built on, newest first,
// from the repository in dir. All that come after a commit in the history are
// before it in the list.
func recent(ctx context.Context, repository *git.View, commit string) ([]manifest.Commit, error) {
	if repository.Shallow {
		return nil, errShallow
	}
	log, err := repository.Git(ctx, []string{"TZ=UTC"}, "--no-replace-objects", "rev-list", "--date-order",
		"--max-count="+strconv.Itoa(manifest.MaxCommits), "--encoding=UTF-8",
		"--date=format-local:%Y-%m-%d", "--format=%H%x09%cd%x09%P%x09%s", commit, "--")
	if err != nil {
		return nil, err
	}
	return parseLog(log), nil
}

func parseLog(log string) []manifest.Commit {
	var commits []manifest.Commit
	for line := range strings.Lines(log) {
		id, rest, ok := strings.Cut(line, "\t")
		if !ok { // git's own line before each
			continue
		}
		date, rest, _ := strings.Cut(rest, "\t")
		parents, subject, _ := strings.Cut(rest, "\t")
		one := manifest.Commit{ID: id, Date: date, Subject: manifest.Subject(subject)}
		if parents != "" {
			one.Parents = strings.Fields(parents)
		}
		commits = append(commits, one)
	}
	return commits
}

// historyOf keeps the last commits of each commit of a remote repository in
// the cache. What is not known is not kept.
func historyOf(ctx context.Context, c cache.Dir, env []string, remote, commit, ref string) ([]manifest.Commit, error) {
	key := cache.Key(remote, commit, strconv.Itoa(manifest.MaxCommits))
	dir, _, err := c.Get(ctx, "history", key, func(dir string) error {
		return fetchHistory(ctx, env, remote, commit, ref, dir)
	})
	if errors.Is(err, errShallow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := regular.Open(filepath.Join(dir, manifest.CommitsName))
	if err != nil {
		return nil, fmt.Errorf("reading the history of AmiGO: %w", err)
	}
	defer func() { _ = kept.Close() }()
	return manifest.ParseCommits(kept)
}

// everything is the depth that git calls infinite. With it, but not without a
// depth, git learns that the other side is shallow itself.
const everything = "--depth=2147483647"

// fetchHistory writes the last commits into dir.
func fetchHistory(ctx context.Context, env []string, remote, commit, ref, dir string) error {
	bare := filepath.Join(dir, "git")
	err := fetchCommits(ctx, env, remote, commit, ref, bare)
	var commits []manifest.Commit
	if err == nil {
		commits, err = recentOf(ctx, bare, commit)
	}
	if err != nil {
		return fmt.Errorf("fetching the history of %s of %s: %w", commit, origin(remote), reason(err, remote))
	}
	text := manifest.FormatCommits(commits)
	if err := os.WriteFile(filepath.Join(dir, manifest.CommitsName), []byte(text), 0o644); err != nil {
		return fmt.Errorf("keeping the history of AmiGO: %w", err)
	}
	return os.RemoveAll(bare)
}

func recentOf(ctx context.Context, dir, commit string) ([]manifest.Commit, error) {
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer repository.Close()
	return recent(ctx, repository, commit)
}

// fetchCommits fetches commits without their files, from servers that can do
// that, and from others everything. Git must not remember that something was
// left out: for any object that is missing it would ask again without end.
func fetchCommits(ctx context.Context, env []string, remote, commit, ref, bare string) error {
	_, err := git.Local(ctx, "", nil, "init", "--quiet", "--bare", "--", bare)
	if err != nil {
		return err
	}
	_, err = git.Fetch(ctx, bare, env, "fetch", "--quiet", "--no-tags", everything, "--filter=tree:0", "--", remote, commit)
	if err == nil {
		_, err = git.Local(ctx, bare, nil, "config", "--remove-section", "remote."+remote)
		return err
	}
	if ctx.Err() != nil {
		return err
	}
	if err := os.RemoveAll(bare); err != nil {
		return fmt.Errorf("clearing what git left: %w", err)
	}
	if _, err := git.Local(ctx, "", nil, "init", "--quiet", "--bare", "--", bare); err != nil {
		return err
	}
	return pull(ctx, env, remote, commit, ref, bare, everything)
}
