package changes

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// MaxSubjects is how many commits are told by their subject.
const MaxSubjects = 50

var commitID = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// LogCommits returns the commits from old to now that a local git repository
// has. The repository may be bare, like a mirror in a cache.
func LogCommits(ctx context.Context, repository, old, now string) (*Commits, error) {
	if !commitID.MatchString(old) || !commitID.MatchString(now) {
		return nil, fmt.Errorf("listing commits: %q to %q are not two commits", old, now)
	}
	out, err := command.Output(ctx, command.Cmd{Name: "git", Args: []string{
		"-C", repository, "-c", "safe.directory=*", "log", "--no-merges", "--format=%H %s", old + ".." + now, "--",
	}})
	if err != nil {
		return nil, fmt.Errorf("listing the commits of AmiGO: %w", err)
	}
	return parseLog(string(out)), nil
}

func parseLog(log string) *Commits {
	commits := &Commits{}
	for line := range strings.Lines(log) {
		id, subject, _ := strings.Cut(strings.TrimSpace(line), " ")
		if commits.Count++; commits.Count <= MaxSubjects {
			commits.Subjects = append(commits.Subjects, Commit{ID: id, Subject: subject})
		}
	}
	return commits
}

// compareLink returns the address on GitHub that shows what lies between two
// commits, or "" if they are not both from one repository there.
func compareLink(old, now manifest.AmiGO) string {
	source, err := url.Parse(now.Source)
	if err != nil || source.Host != "github.com" || old.Commit == now.Commit || old.Source != now.Source ||
		!commitID.MatchString(old.Commit) || !commitID.MatchString(now.Commit) {
		return ""
	}
	page := url.URL{Scheme: "https", Host: source.Host, Path: strings.TrimSuffix(strings.TrimSuffix(source.Path, "/"), ".git")}
	return page.JoinPath("compare", old.Commit[:min(len(old.Commit), 12)]+"..."+now.Commit[:min(len(now.Commit), 12)]).String()
}
