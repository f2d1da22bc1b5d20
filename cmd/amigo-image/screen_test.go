package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal/terminaltest"
)

// sees types a line at a terminal of so many columns, one that answers no
// question, and returns all that is written to it.
func (p *person) sees(columns uint16, line string) string {
	p.t.Helper()
	tty := terminaltest.Open(p.t, columns)
	err := command.Run(context.Background(), command.Cmd{
		Name: "sh", Args: []string{"-c", fmt.Sprintf("exec <%[1]s >%[1]s 2>&1; %[2]s", tty.Program.Name(), line)},
		Dir: p.home, Env: append(p.environ(), "TERM=xterm", "NO_COLOR="),
	})
	text := tty.Shown()
	if err != nil {
		p.t.Errorf("%s: %v\n%s", line, err, text)
	}
	return text
}

var (
	// question is what a terminal would answer: where the cursor is, what it is,
	// which colours it has, how large it is.
	question = regexp.MustCompile(`\x1b\[[?>=]?[0-9;]*[cnx]|\x1b\[[0-9;]*t|\x1b\[\?[0-9;]*\$p|\x1b\][0-9;]*;\?|\x1bP`)
	escape   = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
)

// lines are what stays on a screen, without what moves.
func lines(text string) []string {
	return strings.Split(escape.ReplaceAllString(strings.ReplaceAll(text, "\r", ""), ""), "\n")
}

// TestScreens shows every command's words on wide and on narrow terminals that
// answer nothing: no line is wider, nobody asks the terminal anything, and
// nothing comes before the words.
func TestScreens(t *testing.T) {
	s := serveMoody(t, makeRepository(t))
	p := newPerson(t)
	for _, step := range []struct{ line, first, has string }{
		{"amigo-image version", "amigo-image ", ""},
		{"amigo-image list", "nothing is here yet", ""},
		{"amigo-image pull " + s.URL + " stable", "root 1 of ", "disk.raw"},
		{"amigo-image list", "VERSION ", "2026-11-22"},
		{"amigo-image info stable", "version ", "sha256"},
		{"amigo-image verify 2026-11-15", "", "VERIFIED"},
		{"amigo-image verify stable", "", "VERIFIED"},
		{"amigo-image verify stable --offline", "", "VERIFIED"},
		{"amigo-image diff stable nightly --from " + s.URL, "2026-11-15 -> 2026-11-22", "GO data"},
		{"amigo-image gc --dry-run", "", "freed"},
	} {
		for _, columns := range []uint16{80, 50} {
			text := p.sees(columns, step.line)
			if question.MatchString(text) {
				t.Errorf("%s asks the terminal: %q", step.line, text)
			}
			if columns == 80 && !strings.HasPrefix(text, step.first) || !strings.Contains(text, step.has) {
				t.Errorf("%s, %d columns, shows\n%s", step.line, columns, text)
			}
			for _, line := range lines(text) {
				if wide := runewidth.StringWidth(line); wide > int(columns) && !unbreakable(line) {
					t.Errorf("%s: %d of %d columns: %s", step.line, wide, columns, line)
				}
			}
		}
	}
}

// fourBuilds has builds with files, one that fails, and one with a long name, which says
// what a terminal would obey.
const fourBuilds = `
source "null" "a" {
  output  = "a.img"
  content = "hello"
}
source "null" "b" {
  output = "b.img"
}
source "null" "fails" {
  fault = "broken"
}
source "null" "a_name_that_is_longer_than_anybody_would_choose" {
  output = "c.img"
}
build {
  sources = ["null.a", "null.b", "null.fails", "null.a_name_that_is_longer_than_anybody_would_choose"]
  post-processor "shell-local" {
    inline = ["printf 'said \\033[2J 世界世界世界世界 %080d\\n' 1; sleep 1.5"]
  }
}
`

// TestBuildOnScreens builds four images at once: what they say is folded, and tables come
// at the end.
func TestBuildOnScreens(t *testing.T) {
	p := newPerson(t)
	if err := os.WriteFile(filepath.Join(p.home, "t.pkr.hcl"), []byte(fourBuilds), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, columns := range []uint16{80, 50} {
		text := p.sees(columns, "amigo-image build --force t.pkr.hcl || true")
		for _, line := range lines(text) {
			if wide := runewidth.StringWidth(line); wide > int(columns) && !unbreakable(line) {
				t.Errorf("%d of %d columns: %s", wide, columns, line)
			}
		}
		wants := []string{"BUILD ", " RESULT ", "null.a ", "error: broken"}
		if columns == 80 {
			wants = append(wants, "null.a: shell-local                running  ", "PHASES", "said \\x1b[2J ", "a.img     5 B   2cf24dba5fb0..  null.a\n")
		}
		for _, want := range wants {
			if !strings.Contains(strings.Join(lines(text), "\n"), want) {
				t.Errorf("%d columns: no %q in\n%s", columns, want, text)
			}
		}
		if strings.Contains(text, "00000001") {
			t.Errorf("%d columns: what was said stays:\n%s", columns, text)
		}
	}
	if text := p.sees(80, "amigo-image build -v --force t.pkr.hcl || true"); !strings.Contains(text, "00000001") {
		t.Errorf("--verbose shows\n%s", text)
	}
}

// unbreakable tells whether a line is one long word, such as a digest or a
// path, which must stay whole; it may have a name before it.
func unbreakable(line string) bool {
	words := strings.Fields(line)
	return len(words) <= 2 || len(words[len(words)-1]) >= 50
}

// TestHelp: no command's help is wider than a terminal, and each tells how it
// is used.
func TestHelp(t *testing.T) {
	a, count := testApp(), 0
	everyCommand(a.Root, func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c != a.Root {
			return
		}
		var text strings.Builder
		c.SetOut(&text)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		count++
		for line := range strings.Lines(text.String()) {
			if wide := runewidth.StringWidth(strings.TrimRight(line, "\n")); wide > 79 {
				t.Errorf("%s: %d columns: %s", c.CommandPath(), wide, line)
			}
			if strings.Contains(line, "\t") {
				t.Errorf("%s: a tab: %q", c.CommandPath(), line)
			}
		}
		if !slices.IsSorted(statuses(text.String())) {
			t.Errorf("%s: exit statuses are out of order: %v", c.CommandPath(), statuses(text.String()))
		}
		if strings.Contains(c.Use, "..") && !strings.Contains(c.Use, "...") {
			t.Errorf("%s: an ellipsis has three dots", c.Use)
		}
		if !strings.Contains(text.String(), "amigo-image") {
			t.Errorf("%s: %s", c.CommandPath(), text.String())
		}
	})
	if count < 25 {
		t.Errorf("%d commands", count)
	}
}

// statuses are the exit statuses that a help text lists.
func statuses(text string) (all []int) {
	_, list, _ := strings.Cut(text, "EXIT STATUS\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for _, found := range regexp.MustCompile(`(?m)(?:^| ) (\d+)  +[a-z]`).FindAllStringSubmatch(list, -1) {
		number, _ := strconv.Atoi(found[1])
		all = append(all, number)
	}
	return all
}

// TestPipe pulls into a pipe: few lines, and nothing in them but text.
func TestPipe(t *testing.T) {
	s := serveMoody(t, makeRepository(t))
	p := newPerson(t)
	for _, line := range []string{
		"amigo-image pull " + s.URL + " stable", "amigo-image pull nightly", "amigo-image list", "amigo-image info stable",
		"amigo-image pull --color=auto stable --variant production", "amigo-image verify 2026-11-15", "amigo-image gc --dry-run",
	} {
		status, out, errs := p.types(line)
		if status != 0 {
			t.Errorf("%s: exit status %d\n%s", line, status, errs)
		}
		for _, text := range []string{out, errs} {
			if strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0x9b }) >= 0 {
				t.Errorf("%s writes control characters: %q", line, text)
			}
		}
		if count := strings.Count(errs, "\n"); count > 15 {
			t.Errorf("%s: %d lines\n%s", line, count, errs)
		}
	}
}
