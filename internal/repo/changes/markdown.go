package changes

import (
	"fmt"
	"io"
	"strings"
)

// manyCVEs is how many numbers Markdown tells of one package; a kernel has
// hundreds. The document has all.
const manyCVEs = 20

// WriteMarkdown writes all changes as Markdown.
func (c Changes) WriteMarkdown(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "## %s -> %s\n\n", plain(c.From.Name), plain(c.To.Name))
	item := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&out, "- **%s**: %s\n", name, plain(text))
		}
	}
	item("GO data", c.GOlr.Data()+", "+c.GOlr.Documents()+" documents")
	item("DOI", c.GOlr.DOI())
	item("AmiGO", strings.TrimSuffix(c.AmiGO.Software()+", "+c.AmiGO.Distance(), ", "))
	item("Note", c.AmiGO.Doubt())
	item("System", step(c.System.Old.Name+", kernel "+c.System.Old.Kernel, c.System.New.Name+", kernel "+c.System.New.Kernel))
	for _, image := range c.Images {
		item(image.Variant, image.text())
	}
	item("Packages", c.Packages.Summary())
	item("Note", c.Packages.Doubt())
	c.AmiGO.markdown(&out)
	c.Packages.markdown(&out)
	_, err := io.WriteString(w, out.String())
	return err
}

func (a AmiGO) markdown(out *strings.Builder) {
	if a.Commits == nil && a.Compare == "" {
		return
	}
	out.WriteString("\n### AmiGO\n\n")
	if a.Compare != "" {
		fmt.Fprintf(out, "<%s>\n", a.Compare)
	}
	for _, list := range a.lists() {
		if list.Commits == a.Gone {
			fmt.Fprintf(out, "\nOnly in %s:\n\n", Short(a.Old.Commit))
		}
		for _, commit := range list.Subjects {
			fmt.Fprintf(out, "- %s\n", join("`"+Short(commit.ID)+"`", commit.Date, plain(commit.Subject)))
		}
		if more := list.Count - len(list.Subjects); more > 0 {
			fmt.Fprintf(out, "- and %d more\n", more)
		}
	}
}

func (p Packages) markdown(out *strings.Builder) {
	if len(p.Changed) > 0 {
		out.WriteString("\n### Changed packages\n\n| package | from | to | |\n| --- | --- | --- | --- |\n")
	}
	for _, change := range p.Rows() {
		names := strings.Join(append([]string{change.Name}, change.With...), ", ")
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", plain(names), plain(change.Old), plain(change.New), change.note(cves(change.CVEs)))
	}
	for _, list := range []struct {
		title    string
		packages []Package
	}{{"New packages", p.Added}, {"Removed packages", p.Removed}} {
		if len(list.packages) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n### %s\n\n", list.title)
		for _, one := range list.packages {
			fmt.Fprintf(out, "- %s\n", join(plain(one.Name), plain(one.Version), only(one.Variants)))
		}
	}
}

func cves(numbers []string) string {
	if len(numbers) > manyCVEs {
		return strings.Join(numbers[:manyCVEs], " ") + fmt.Sprintf(" and %d more", len(numbers)-manyCVEs)
	}
	return strings.Join(numbers, " ")
}

// markup are the characters that Markdown would take for its own.
var markup = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "\n", " ")

func plain(text string) string {
	return strings.ReplaceAll(markup.Replace(text), "-&gt;", "->")
}
