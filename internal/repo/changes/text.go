package changes

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

const (
	columns = 80
	few     = 10 // packages that a short text tells
	// Commits that a short text tells.
	fewCommits = 5
	// Names and versions up to this long are in columns.
	maxName, maxVersion = 26, 37
)

// WriteText writes the changes for a terminal of 80 columns. Without all it
// tells the first packages and commits only.
func (c Changes) WriteText(w io.Writer, all bool) error {
	var out strings.Builder
	row := func(name, text string) { fmt.Fprintf(&out, "%-9s %s\n", name, text) }
	fmt.Fprintf(&out, "%s -> %s\n", c.From.Name, c.To.Name)
	for _, image := range c.Images {
		row("Image", fmt.Sprintf("%-*s %s", c.longestVariant(), image.Variant, image.text()))
	}
	row("GO data", pair(c.GOlr.Data(), "documents "+c.GOlr.Documents()))
	row("AmiGO", pair(c.AmiGO.Software(), c.AmiGO.Distance()))
	if c.AmiGO.Compare != "" {
		row("", c.AmiGO.Compare)
	}
	if doubt := c.AmiGO.Doubt(); doubt != "" {
		row("", doubt)
	}
	c.writeCommits(&out, all)
	if moved := c.System.Moved(); moved != "" {
		row("System", moved)
	}
	if c.System.Old.Kernel != c.System.New.Kernel {
		row("Kernel", step(c.System.Old.Kernel, c.System.New.Kernel))
	}
	row("Packages", c.Packages.Summary())
	if doubt := c.Packages.Doubt(); doubt != "" {
		row("", doubt)
	}
	c.Packages.write(&out, all)
	_, err := io.WriteString(w, out.String())
	return err
}

func pair(a, b string) string {
	if b == "" {
		return a
	}
	return fmt.Sprintf("%-26s %s", a, b)
}

// longestVariant is how many columns the names of variants take.
func (c Changes) longestVariant() int {
	longest := len("distribution ")
	for _, image := range c.Images {
		longest = max(longest, len(image.Variant))
	}
	return longest
}

func (i Image) text() string {
	text := i.SizeText()
	if i.Update > 0 {
		text += ", update " + bytesize.Of(i.Update)
	}
	return text
}

// SizeText says what became of the size.
func (i Image) SizeText() string {
	switch {
	case i.OldSize == 0:
		return bytesize.Of(i.NewSize) + " (new)"
	case i.NewSize == 0:
		return "removed"
	case i.OldSize == i.NewSize:
		return bytesize.Of(i.NewSize) + " (same)"
	default:
		return bytesize.Of(i.NewSize) + " (" + signed(i.NewSize-i.OldSize, bytesize.Of) + ")"
	}
}

func (c Changes) writeCommits(out *strings.Builder, all bool) {
	for _, list := range c.AmiGO.lists() {
		shown := list.Subjects
		if !all && len(shown) > fewCommits+1 {
			shown = shown[:fewCommits]
		}
		for _, commit := range shown {
			text := join(Short(commit.ID), commit.Date, commit.Subject)
			fmt.Fprintf(out, "  %s %s\n", list.mark, runewidth.Truncate(text, columns-4, ".."))
		}
		if more := list.Count - len(shown); more > 0 {
			fmt.Fprintf(out, "    .. %d more%s\n", more, map[bool]string{false: ": --all"}[all])
		}
	}
}

// list is commits as they are told: what came with a plus, what went with a
// minus.
type list struct {
	*Commits
	mark string
}

func (a AmiGO) lists() []list {
	var lists []list
	if a.Commits != nil {
		lists = append(lists, list{a.Commits, "+"})
	}
	if a.Gone != nil {
		lists = append(lists, list{a.Gone, "-"})
	}
	return lists
}

// line is a row of the table of packages.
type line struct{ mark, name, version, note string }

func (p Packages) lines() []line {
	var lines []line
	for _, change := range p.Rows() {
		mark, name := " ", change.Name
		if len(change.With) > 0 {
			name += fmt.Sprintf(" +%d", len(change.With))
		}
		switch {
		case change.Downgrade:
			mark = "v"
		case len(change.CVEs) > 0:
			mark = "!"
		}
		lines = append(lines, line{mark, name, change.Old + " -> " + change.New, change.note(strings.Join(change.CVEs, " "))})
	}
	for _, one := range p.Added {
		lines = append(lines, line{"+", one.Name, one.Version, only(one.Variants)})
	}
	for _, one := range p.Removed {
		lines = append(lines, line{"-", one.Name, one.Version, only(one.Variants)})
	}
	return lines
}

func (p Packages) write(out *strings.Builder, all bool) {
	lines := p.lines()
	shown := lines
	if !all && len(lines) > few+1 {
		shown = lines[:few]
	}
	names, versions := 0, 0
	for _, l := range shown {
		if len(l.name) <= maxName && len(l.version) <= maxVersion {
			names, versions = max(names, len(l.name)), max(versions, len(l.version))
		}
	}
	for _, l := range shown {
		writeLine(out, l, names, versions, all)
	}
	if more := len(lines) - len(shown); more > 0 {
		fmt.Fprintf(out, "    .. %d more: --all        as Markdown: --format markdown\n", more)
	}
}

// writeLine writes a package, on more lines where one does not hold it.
func writeLine(out *strings.Builder, l line, names, versions int, all bool) {
	text := fmt.Sprintf("  %s %-*s  %-*s", l.mark, names, l.name, versions, l.version)
	if len(l.name) > names || len(l.version) > versions {
		fmt.Fprintf(out, "  %s %s\n", l.mark, l.name)
		text = "      " + l.version
	}
	if l.note == "" {
		fmt.Fprintln(out, strings.TrimRight(text, " "))
		return
	}
	if room := columns - len(text) - 2; room < len(l.note) && room < columns/2 {
		fmt.Fprintln(out, strings.TrimRight(text, " "))
		text = "     "
	}
	writeNote(out, text+" ", strings.Fields(l.note), all)
}

// writeNote fills lines with words; without all one line only, and how many
// words are not on it.
func writeNote(out *strings.Builder, text string, words []string, all bool) {
	indent := strings.Repeat(" ", min(utf8.RuneCountInString(text), 40))
	for i, word := range words {
		room := columns - len(" "+word)
		if !all && i < len(words)-1 {
			room -= len(" +9999")
		}
		if len(text) > room && i > 0 {
			if !all {
				text += fmt.Sprintf(" +%d", len(words)-i)
				break
			}
			fmt.Fprintln(out, text)
			text = indent
		}
		text += " " + word
	}
	fmt.Fprintln(out, text)
}
