package build

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

func newInspectCommand(a *cli.App) *cobra.Command {
	var t templateFlags
	c := &cobra.Command{
		Use:     "inspect [TEMPLATE]",
		GroupID: "build",
		Short:   "show a template's variables and builds",
		Long: `Show the variables of a template with their values, and the steps of each build
in order.
` + exitStatusRead,
		Example: "  amigo-image inspect examples/amigo\n  amigo-image inspect --json . | jq .variables",
		RunE:    func(c *cobra.Command, args []string) error { return runInspect(a, c, args, &t) },
	}
	t.add(c.Flags())
	return c
}

// columns is what every output fits.
const columns = 80

// inspected is what inspect tells.
type inspected struct {
	Type      string              `json:"type"`
	Variables []pipeline.Variable `json:"variables"`
	Builds    []inspectedBuild    `json:"builds"`
}

type inspectedBuild struct {
	Name  string   `json:"name"`
	Steps []string `json:"steps"`
}

func runInspect(a *cli.App, c *cobra.Command, args []string, t *templateFlags) error {
	template, err := t.parse(c, args)
	if err != nil {
		return err
	}
	plan, err := template.Plan(a.Registry, t.options())
	if err != nil {
		return err
	}
	defer plan.Close()
	found := inspected{Type: "template", Variables: template.Variables()}
	for _, b := range plan.Builds {
		found.Builds = append(found.Builds, inspectedBuild{Name: b.Name, Steps: b.Steps()})
	}
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(found)
	}
	return found.write()
}

func (i inspected) write() error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	for _, v := range i.Variables {
		_, _ = fmt.Fprintf(w, "variable\t%s\t%s\t%s\n", v.Name, abbreviate(v.Value, 24), v.Description)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(cli.Stdout, abbreviate(strings.TrimRight(line, " \n"), columns-1))
	}
	for _, b := range i.Builds {
		fmt.Fprintf(cli.Stdout, "build     %s\n", b.Name)
		for _, step := range b.Steps {
			fmt.Fprintf(cli.Stdout, "          %s\n", step)
		}
	}
	return nil
}

// abbreviate returns the beginning of a text, on one line.
func abbreviate(text string, n int) string {
	text = strings.ReplaceAll(text, "\n", " ")
	if r := []rune(text); len(r) > n {
		return string(r[:n-2]) + ".."
	}
	return text
}
