package changes

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/git"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// MaxSubjects is how many commits are told by their subject.
const MaxSubjects = 50

var commitID = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// compareAmiGO says what became of the software, by the commits that the
// images have recorded.
func compareAmiGO(old, now Side) AmiGO {
	a := AmiGO{Old: old.AmiGO, New: now.AmiGO, Compare: compareLink(old.AmiGO, now.AmiGO)}
	if a.Old.Commit == a.New.Commit {
		return a
	}
	before, after := historyOf(old), historyOf(now)
	switch {
	case a.Old.Commit == "" || a.New.Commit == "":
		a.Unknown = "one side does not say its commit"
	case clean(a.Old.Commit) == clean(a.New.Commit):
		a.Unknown = "files were changed without one"
	case len(before) == 0 && len(after) == 0:
		a.Unknown = "the images have no history"
	default:
		a.between(before, after)
	}
	return a
}

// clean returns the commit that a source with changed files began with.
func clean(commit string) string { return strings.TrimSuffix(commit, "-dirty") }

// historyOf returns the commits that a side has recorded of its own AmiGO.
func historyOf(s Side) []manifest.Commit {
	for _, v := range s.Variants {
		if len(v.Commits) > 0 && v.Commits[0].ID == clean(s.AmiGO.Commit) {
			return v.Commits
		}
	}
	return nil
}

// graph is what is recorded of a history. In each record, everything that
// comes after a commit is before it; so one end of a record hides no commit
// that is later than what is in it.
type graph map[string]manifest.Commit

// reach adds to found what the commit is built on, itself included.
func (g graph) reach(commit string) map[string]bool {
	found, next := map[string]bool{}, []string{commit}
	for len(next) > 0 {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if !found[id] {
			found[id] = true
			next = append(next, g[id].Parents...)
		}
	}
	return found
}

// between finds the commits that only one of two histories has.
func (a *AmiGO) between(before, after []manifest.Commit) {
	g := graph{}
	for _, c := range before {
		g[c.ID] = c
	}
	for _, c := range after {
		g[c.ID] = c
	}
	was, is := g.reach(clean(a.Old.Commit)), g.reach(clean(a.New.Commit))
	came, went := g.only(after, is, was), g.only(before, was, is)
	forward, back := is[clean(a.Old.Commit)], was[clean(a.New.Commit)]
	switch {
	case forward:
		a.Commits = came
	case back:
		a.Commits, a.Gone = &Commits{Subjects: []Commit{}}, went
	case len(after) > 0 && len(before) > 0 && !came.More && !went.More:
		a.Commits, a.Gone = came, went
	default:
		a.Unknown = "the recorded history does not reach so far"
	}
}

// only returns the commits of a record that are in one set and not in the
// other. Merges say nothing of their own.
func (g graph) only(record []manifest.Commit, in, not map[string]bool) *Commits {
	found := &Commits{Subjects: []Commit{}}
	for _, c := range record {
		if !in[c.ID] || not[c.ID] {
			continue
		}
		for _, parent := range c.Parents {
			if _, known := g[parent]; !known && !not[parent] {
				found.More = true
			}
		}
		if len(c.Parents) < 2 {
			found.add(Commit{ID: c.ID, Date: c.Date, Subject: c.Subject})
		}
	}
	return found
}

func (c *Commits) add(one Commit) {
	if c.Count++; c.Count <= MaxSubjects {
		c.Subjects = append(c.Subjects, one)
	}
}

// Log replaces what is known of the commits by what a local git repository
// has. The repository may be bare, like a mirror in a cache.
func (a *AmiGO) Log(ctx context.Context, repository string) error {
	old, now := clean(a.Old.Commit), clean(a.New.Commit)
	if old == now {
		return nil
	}
	view, err := git.Open(ctx, repository)
	if err != nil {
		return fmt.Errorf("listing the commits of AmiGO: %s: %w", repository, err)
	}
	defer view.Close()
	came, err := logCommits(ctx, view, old, now)
	if err != nil {
		return err
	}
	went, err := logCommits(ctx, view, now, old)
	if err != nil {
		return err
	}
	a.Commits, a.Gone, a.Unknown = came, nil, ""
	if went.Count > 0 {
		a.Gone = went
	}
	return nil
}

func logCommits(ctx context.Context, repository *git.View, old, now string) (*Commits, error) {
	if !commitID.MatchString(old) || !commitID.MatchString(now) {
		return nil, fmt.Errorf("listing commits: %q to %q are not two commits", old, now)
	}
	out, err := repository.Git(ctx, []string{"TZ=UTC"}, "log", "--no-merges", "--no-show-signature",
		"--date=format-local:%Y-%m-%d", "--format=%H %cd %s", old+".."+now, "--")
	if err != nil {
		return nil, fmt.Errorf("listing the commits of AmiGO: %w", err)
	}
	return parseLog(out), nil
}

func parseLog(log string) *Commits {
	commits := &Commits{Subjects: []Commit{}}
	for line := range strings.Lines(log) {
		id, rest, _ := strings.Cut(line, " ")
		date, subject, _ := strings.Cut(rest, " ")
		commits.add(Commit{ID: id, Date: date, Subject: manifest.Subject(subject)})
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
