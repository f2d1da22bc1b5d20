package changes

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// id names a commit by a letter.
func id(name string) string { return strings.Repeat(fmt.Sprintf("%02x", name[0]), 20) }

// record is a history, written as "c:b,x b:a a:".
func record(text string) Side {
	var s Side
	var commits []manifest.Commit
	for _, word := range strings.Fields(text) {
		name, parents, _ := strings.Cut(word, ":")
		c := manifest.Commit{ID: id(name), Date: "2026-02-03", Subject: name}
		for _, parent := range strings.FieldsFunc(parents, func(r rune) bool { return r == ',' }) {
			c.Parents = append(c.Parents, id(parent))
		}
		commits = append(commits, c)
	}
	s.Variants = []Variant{{Name: "distribution", Commits: commits}}
	s.AmiGO.Commit = commits[0].ID
	return s
}

func told(c *Commits) string {
	if c == nil {
		return "none"
	}
	var names []string
	for _, one := range c.Subjects {
		names = append(names, one.Subject)
	}
	if c.More {
		names = append(names, "..")
	}
	return strings.Join(names, " ")
}

func TestBetween(t *testing.T) {
	for _, test := range []struct{ name, old, now, came, went, text string }{
		{name: "forward", old: "b:a a:", now: "d:c c:b b:a a:", came: "d c", went: "none", text: "2 commits"},
		{name: "one", old: "b:a a:", now: "c:b b:a a:", came: "c", went: "none", text: "1 commit"},
		{name: "of a branch that was merged later", old: "c:a a:", now: "m:c,x c:a x:a a:", came: "x", went: "none", text: "1 commit"},
		{name: "back", old: "d:c c:b b:a a:", now: "b:a a:", came: "", went: "d c", text: "2 commits back"},
		{name: "rebased", old: "x:b b:a a:", now: "d:c c:b b:a a:", came: "d c", went: "x", text: "2 commits, 1 is gone"},
		{name: "nothing in common", old: "b:a a:", now: "y:x x:", came: "y x", went: "b a", text: "2 commits, 2 are gone"},
		{name: "the records end", old: "e:d d:c", now: "f:e e:d", came: "f", went: "none", text: "1 commit"},
		{name: "the old one is beyond by a step", old: "d:c c:b", now: "f:e e:d", came: "f e", went: "none", text: "2 commits"},
		{name: "the old one is beyond", old: "c:b b:a", now: "f:e e:d", came: "none", went: "none"},
		{name: "a merged branch ends beyond", old: "e:d d:c", now: "m:e,y e:d y:x d:c", came: "y ..", went: "none", text: "1 or more commits"},
		{name: "rebased, and the records end", old: "x:d d:c", now: "e:d d:c", came: "e", went: "x", text: "1 commit, 1 is gone"},
		{name: "a circle", old: "a:b b:a", now: "c:d d:c", came: "c d", went: "a b", text: "2 commits, 2 are gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Compare(record(test.old), record(test.now)).AmiGO
			if told(a.Commits) != test.came || told(a.Gone) != test.went || a.Distance() != test.text {
				t.Errorf("came %q, went %q, %q %q", told(a.Commits), told(a.Gone), a.Distance(), a.Doubt())
			}
			if (a.Unknown == "") != (test.text != "") {
				t.Errorf("unknown: %q", a.Unknown)
			}
		})
	}
}

// TestCommitsUnknown: commits that nobody recorded are not called none.
func TestCommitsUnknown(t *testing.T) {
	old, now := record("b:a a:"), record("c:b b:a a:")
	for want, spoil := range map[string]func(old, now *Side){
		"have no history":               func(old, now *Side) { old.Variants, now.Variants = nil, nil },
		"does not reach so far":         func(_, now *Side) { now.Variants = nil },
		"does not say its commit":       func(old, _ *Side) { old.AmiGO.Commit = "" },
		"changed without one":           func(old, now *Side) { old.AmiGO.Commit = now.AmiGO.Commit + "-dirty" },
		"the images have no history":    func(old, now *Side) { old.AmiGO.Commit, now.AmiGO.Commit = id("x"), id("y") },
		"recorded history does not rea": func(old, _ *Side) { old.AmiGO.Commit = id("x"); old.Variants = nil },
	} {
		a, b := old, now
		spoil(&a, &b)
		c := Compare(a, b)
		var text, markdown bytes.Buffer
		if err := c.WriteText(&text, true); err != nil {
			t.Fatal(err)
		}
		if err := c.WriteMarkdown(&markdown); err != nil {
			t.Fatal(err)
		}
		if c.AmiGO.Commits != nil || !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in\n%s%s", want, text.String(), markdown.String())
		}
	}
	a, b := old, now
	b.AmiGO.Commit += "-dirty"
	if got := told(Compare(a, b).AmiGO.Commits); got != "c" {
		t.Errorf("with changed files: %q", got)
	}
}

// TestLog compares what git says with what was recorded.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		identity := []string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"}
		out, err := command.Output(t.Context(), command.Cmd{Name: "git", Args: append(identity, args...)})
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "first")
	old := git("rev-parse", "HEAD")
	git("commit", "-q", "--allow-empty", "-m", "second")
	git("commit", "-q", "--allow-empty", "-m", "\x1b[2Jthird")
	a := AmiGO{Old: manifest.AmiGO{Commit: old}, New: manifest.AmiGO{Commit: git("rev-parse", "HEAD")}, Unknown: "x"}
	if err := a.Log(t.Context(), dir); err != nil || told(a.Commits) != "[2Jthird second" || a.Gone != nil || a.Unknown != "" {
		t.Errorf("%v: %q, gone %q", err, told(a.Commits), told(a.Gone))
	}
	a.Old, a.New = a.New, a.Old
	if err := a.Log(t.Context(), dir); err != nil || told(a.Commits) != "" || told(a.Gone) != "[2Jthird second" {
		t.Errorf("back: %v: %q, gone %q", err, told(a.Commits), told(a.Gone))
	}
	a.New.Commit = "--output=x"
	if err := a.Log(t.Context(), dir); err == nil {
		t.Error("an option was taken for a commit")
	}
}

// TestManyCommits: no more are told than people read.
func TestManyCommits(t *testing.T) {
	all := &Commits{}
	for range MaxSubjects + 3 {
		all.add(Commit{ID: id("a"), Subject: "x"})
	}
	c := Changes{AmiGO: AmiGO{Commits: all}}
	for tellAll, want := range map[bool]string{true: ".. 3 more\n", false: ".. 48 more: --all\n"} {
		var text bytes.Buffer
		if err := c.WriteText(&text, tellAll); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%v: no %q in\n%s", err, want, text.String())
		}
	}
	if diff := cmp.Diff(MaxSubjects, len(all.Subjects)); diff != "" {
		t.Error(diff)
	}
}
