package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// helpColumns is how wide a help text may be; the last column stays free.
func helpColumns() int { return min(terminal.Width(os.Stdout), 80) - 1 }

// paragraphs wraps a text, but for lines that are indented and what begins with
// a heading in capitals.
func paragraphs(text string) string {
	blocks := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, block := range blocks {
		if !strings.Contains("\n"+block, "\n ") && !strings.Contains(block, "\t") {
			blocks[i] = wrap(strings.ReplaceAll(block, "\n", " "), helpColumns())
		}
	}
	return strings.Join(blocks, "\n\n")
}

func wrap(text string, columns int) string {
	return terminal.WrapWords(text, max(20, columns))
}

// entry is a line of a list of commands, whose text stays in its column.
func entry(name, text string) string {
	const indent = 15
	name = "  " + name + strings.Repeat(" ", max(1, indent-2-len(name)))
	return name + strings.ReplaceAll(wrap(text, helpColumns()-indent), "\n", "\n"+strings.Repeat(" ", indent))
}

func init() {
	cobra.AddTemplateFunc("paragraphs", paragraphs)
	cobra.AddTemplateFunc("entry", entry)
	cobra.AddTemplateFunc("columns", helpColumns)
	cobra.AddTemplateFunc("environment", EnvironmentOf)
}

// HelpTemplate shows examples first.
const HelpTemplate = `{{.Short | paragraphs}}

{{if .HasExample}}{{.Example}}

{{end}}{{with .Long}}{{. | paragraphs}}

{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{range $group := .Groups}}{{.Title}}
{{range $cmds}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}{{entry .Name .Short}}
{{end}}{{end}}{{end}}{{if not .Groups}}{{range $cmds}}{{if .IsAvailableCommand}}{{entry .Name .Short}}
{{end}}{{end}}{{end}}
{{end}}{{if not .HasAvailableSubCommands}}Usage: {{.UseLine}}

{{end}}{{if .HasAvailableLocalFlags}}Flags
{{.LocalFlags.FlagUsagesWrapped columns | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of every command
{{.InheritedFlags.FlagUsagesWrapped columns | trimTrailingWhitespaces}}
{{end}}
{{environment . | paragraphs}}
{{if .HasAvailableSubCommands}}
{{.CommandPath}} COMMAND --help shows examples and exit codes.
{{end}}`
