package build

import (
	"encoding/json"
	"fmt"
	"strings"

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
		Long: `Show the variables of a template with their values, its locals and data sources, and
the components of each build in order. A variable needs no value.
` + exitStatusRead,
		Example: "  amigo-image inspect examples/amigo\n  amigo-image inspect --json . | jq .variables",
		RunE:    func(c *cobra.Command, args []string) error { return runInspect(a, c, args, &t) },
	}
	t.add(c.Flags())
	accept(c.Flags(), "machine-readable")
	return c
}

// inspected is what inspect tells.
type inspected struct {
	Type      string               `json:"type"`
	Variables []pipeline.Variable  `json:"variables"`
	Locals    []string             `json:"locals"`
	Data      []pipeline.Component `json:"data_sources"`
	Builds    []inspectedBuild     `json:"builds"`
}

type inspectedBuild struct {
	Name       string               `json:"name"`
	Components []pipeline.Component `json:"components"`
}

func runInspect(a *cli.App, c *cobra.Command, args []string, t *templateFlags) error {
	t.allowUnset = true
	template, err := t.parse(c, args)
	if err != nil {
		return err
	}
	builds, err := template.Builds(t.options())
	if err != nil {
		return err
	}
	found := inspected{
		Type: "template", Variables: template.Variables(), Locals: template.Locals(), Data: template.DataSources(),
	}
	for _, b := range builds {
		found.Builds = append(found.Builds, inspectedBuild{Name: b.Name, Components: b.Components()})
	}
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(found)
	}
	found.write()
	return nil
}

func (i inspected) write() {
	var rows [][]string
	for _, v := range i.Variables {
		rows = append(rows, []string{v.Name, onOneLine(v.Value), onOneLine(v.Description)})
	}
	if len(rows) > 0 {
		cli.WriteTable([]cli.Column{{Name: "VARIABLE"}, {Name: "VALUE", Wrap: true}, {Name: "DESCRIPTION", Wrap: true}}, rows)
	}
	for _, name := range i.Locals {
		fmt.Fprintf(cli.Stdout, "local     %s\n", name)
	}
	for _, d := range i.Data {
		fmt.Fprintf(cli.Stdout, "data      %s.%s\n", d.Type, d.Name)
	}
	for _, b := range i.Builds {
		fmt.Fprintf(cli.Stdout, "build     %s\n", b.Name)
		for _, step := range b.Components {
			fmt.Fprintf(cli.Stdout, "          %s\n", step)
		}
	}
}

func onOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
