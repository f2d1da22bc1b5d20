package source

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// get returns the history of a source.
func get(t *testing.T, spec Spec) []manifest.Commit {
	t.Helper()
	tree, err := Get(t.Context(), cache.At(t.TempDir()), spec)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.History) > 0 && tree.History[0].ID != strings.TrimSuffix(tree.Commit, "-dirty") {
		t.Errorf("the history of %s begins with %s", tree.Commit, tree.History[0].ID)
	}
	return tree.History
}

func subjects(commits []manifest.Commit) []string {
	var all []string
	for _, c := range commits {
		all = append(all, c.Subject)
	}
	return all
}

// commit makes one at a second of 2026-02-03, in a time zone of its own.
func commit(t *testing.T, dir string, second int, args ...string) {
	t.Helper()
	at := fmt.Sprintf("2026-02-03T23:30:%02d -0900", second)
	t.Setenv("GIT_COMMITTER_DATE", at)
	t.Setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
	run(t, dir, "git", append([]string{"-c", "commit.gpgsign=false"}, args...)...)
}

// merged makes a repository with a merge and odd subjects.
func merged(t *testing.T) string {
	t.Helper()
	dir, _ := history(t)
	run(t, dir, "git", "checkout", "-q", "-b", "side")
	commit(t, dir, 1, "commit", "-q", "--allow-empty", "-m", "on\x1b[2Jthe side <b>|x|</b>")
	run(t, dir, "git", "checkout", "-q", "main")
	commit(t, dir, 2, "commit", "-q", "--allow-empty", "-m", "\u202eon main\n\nA long story by Jo <jo@example.org>")
	commit(t, dir, 3, "merge", "-q", "--no-ff", "-m", "Merge branch 'side'", "side")
	return dir
}

// TestHistory: whichever way the source comes, it has the same history.
func TestHistory(t *testing.T) {
	dir := merged(t)
	want := get(t, Spec{Location: dir})
	if diff := cmp.Diff([]string{"Merge branch 'side'", "on main", "on [2Jthe side <b>|x|</b>", "first"}, subjects(want)); diff != "" {
		t.Error(diff)
	}
	if len(want[0].Parents) != 2 || want[0].Parents[0] != want[1].ID || want[1].Parents[0] != want[3].ID || want[3].Parents != nil || want[0].Date != "2026-02-04" {
		t.Errorf("%+v", want)
	}
	if text := manifest.FormatCommits(want); strings.Contains(text, "@") {
		t.Errorf("it says who made a commit:\n%s", text)
	}
	global := filepath.Join(t.TempDir(), "config")
	for _, config := range []string{"", "[uploadpack]\n\tallowFilter = true\n[log]\n\tshowSignature = true\n[core]\n\tabbrev = 8\n"} {
		put(t, filepath.Dir(global), "config", config)
		t.Setenv("GIT_CONFIG_GLOBAL", global)
		for _, spec := range []Spec{{Location: dir, Ref: "main"}, {Location: "file://" + dir}, {Location: "file://" + dir, Ref: want[0].ID}} {
			if diff := cmp.Diff(want, get(t, spec)); diff != "" {
				t.Errorf("%+v: %s", spec, diff)
			}
		}
	}
	put(t, dir, "install", "changed")
	if diff := cmp.Diff(want, get(t, Spec{Location: dir})); diff != "" {
		t.Errorf("with a change: %s", diff)
	}
}

// TestHistoryByPlainFiles: a web server that knows nothing of git has it, too.
func TestHistoryByPlainFiles(t *testing.T) {
	dir := merged(t)
	run(t, dir, "git", "update-server-info")
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	want := get(t, Spec{Location: dir})
	if diff := cmp.Diff(want, get(t, Spec{Location: server.URL + "/.git", Ref: want[0].ID})); diff != "" {
		t.Error(diff)
	}
}

// TestHistoryIsBounded keeps the newest of many.
func TestHistoryIsBounded(t *testing.T) {
	dir, first := history(t)
	var script strings.Builder
	for i := range manifest.MaxCommits + 20 {
		fmt.Fprintf(&script, "commit refs/heads/main\ncommitter a <a@example.org> %d +0000\ndata <<END\nnumber %d\nEND\n", 1_800_000_000+i, i)
		if i == 0 {
			fmt.Fprintf(&script, "from %s\n", first)
		}
	}
	put(t, filepath.Dir(dir), "script", script.String())
	run(t, dir, "sh", "-c", "git fast-import --quiet <../script")
	got := get(t, Spec{Location: dir})
	if len(got) != manifest.MaxCommits || got[0].Subject != "number 519" || got[len(got)-1].Subject != "number 20" {
		t.Errorf("%d commits, %+v to %+v", len(got), got[0], got[len(got)-1])
	}
	if text := manifest.FormatCommits(got); len(text) > 100_000 {
		t.Errorf("%d bytes", len(text))
	}
}

// TestNoHistory: of a source without one, or with a part of it, nothing is said.
func TestNoHistory(t *testing.T) {
	dir := merged(t)
	shallow := filepath.Join(t.TempDir(), "amigo")
	run(t, dir, "git", "clone", "-q", "--depth=2", "file://"+dir, shallow)
	plain := write(t)
	tarball := filepath.Join(t.TempDir(), "amigo.tar.gz")
	run(t, filepath.Dir(dir), "tar", "-czf", tarball, "amigo")
	global := filepath.Join(t.TempDir(), "config")
	put(t, filepath.Dir(global), "config", "[uploadpack]\n\tallowFilter = true\n")
	for _, config := range []string{os.DevNull, global} {
		t.Setenv("GIT_CONFIG_GLOBAL", config)
		for _, spec := range []Spec{{Location: shallow}, {Location: shallow, Ref: "main"}, {Location: "file://" + shallow}, {Location: plain}, {Location: tarball}} {
			if got := get(t, spec); got != nil {
				t.Errorf("%+v: %q", spec, subjects(got))
			}
		}
	}
	if _, err := recentOf(t.Context(), shallow, "HEAD"); !errors.Is(err, errShallow) {
		t.Error(err)
	}
	if kept, err := recentOf(t.Context(), dir, run(t, dir, "git", "rev-parse", "HEAD")); err != nil || !slices.Contains(subjects(kept), "first") {
		t.Errorf("%v: %q", err, subjects(kept))
	}
}
