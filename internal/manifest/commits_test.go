package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommitsReadBack(t *testing.T) {
	a, b, c := strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 64)
	commits := []Commit{
		{ID: a, Date: "2026-02-03", Parents: []string{b, c}, Subject: "Merge <b>|pipes|</b>, é"},
		{ID: b, Date: "2026-02-02", Parents: []string{c}},
		{ID: c, Date: "2026-02-01", Subject: "first"},
	}
	text := FormatCommits(commits)
	want := a + " 2026-02-03 " + b + "," + c + " Merge <b>|pipes|</b>, é\n" + b + " 2026-02-02 " + c + " \n" + c + " 2026-02-01 - first\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	got, err := ParseCommits(strings.NewReader(text))
	if diff := cmp.Diff(commits, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, bad := range []string{
		a + " 2026-02-03 -\n", "abc 2026-02-03 - x\n", a + " 2026-02-30 - x\n", a + " 2026-02-03 abc x\n", a + " 2026-02-03 " + b + ", x\n",
		a + " 2026-02-03 - \x1b[2J\n", a + " 2026-02-03 - two  blanks\n", a + " 2026-02-03 - " + strings.Repeat("x", maxSubject+1) + "\n", "\n",
	} {
		if _, err := ParseCommits(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestSubject(t *testing.T) {
	for text, want := range map[string]string{
		" plain \t text\r":                "plain text",
		"\x1b[31mred\x1b[0m\x07":          "[31mred [0m",
		"\u202eturned\u2066 \u2028line":   "turned line",
		"broken \xff UTF-8":               "broken \uFFFD UTF-8",
		strings.Repeat("é", maxSubject+1): strings.Repeat("é", maxSubject-2) + "..",
		"":                                "",
	} {
		if got := Subject(text); got != want || Subject(got) != got {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// FuzzParseCommits: what can be read is written as it was, and shows nothing
// but text.
func FuzzParseCommits(f *testing.F) {
	f.Add(strings.Repeat("a", 40) + " 2026-02-03 " + strings.Repeat("b", 40) + " Update the footer\n")
	f.Add(strings.Repeat("a", 40) + " 2026-02-03 - \x1b[2J\n")
	f.Fuzz(func(t *testing.T, text string) {
		commits, err := ParseCommits(strings.NewReader(text))
		if err != nil {
			return
		}
		once := FormatCommits(commits)
		if again, err := ParseCommits(strings.NewReader(once)); err != nil || FormatCommits(again) != once {
			t.Errorf("%v\n%q", err, once)
		}
		if strings.ContainsFunc(strings.ReplaceAll(once, "\n", ""), func(r rune) bool { return r != ' ' && unseen(r) }) {
			t.Errorf("%q", once)
		}
	})
}

// FuzzSubject: whatever somebody wrote can be kept and read.
func FuzzSubject(f *testing.F) {
	f.Add("\x1b[31m\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		c := Commit{ID: strings.Repeat("a", 40), Date: "2026-02-03", Subject: Subject(text)}
		if got, err := ParseCommits(strings.NewReader(FormatCommits([]Commit{c}))); err != nil || !cmp.Equal(got, []Commit{c}) {
			t.Errorf("%v: %+v, want %+v", err, got, c)
		}
	})
}
