package build

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

func newValidateCommand(a *cli.App) *cobra.Command {
	var t templateFlags
	var syntax, data bool
	c := &cobra.Command{
		Use:     "validate [TEMPLATE]",
		GroupID: "build",
		Short:   "check a template",
		Long: `Check a template, which is a file or a directory, and the configuration of its
components. validate runs, downloads and writes nothing, unless it is told to execute
the data sources: without them, what they give is unknown, and not checked.
` + exitStatusRead,
		Example: "  amigo-image validate examples/amigo\n  amigo-image validate -var version=2.5.17 .",
		RunE: func(c *cobra.Command, args []string) error {
			options := t.options()
			options.SkipData = !data
			return runValidate(a, c, args, &t, syntax, options)
		},
	}
	t.add(c.Flags())
	t.addMachine(c.Flags())
	c.Flags().BoolVar(&t.ignoreUndeclared, "no-warn-undeclared-var", false, "do not warn of variables in files that the template does not declare")
	c.Flags().BoolVar(&data, "evaluate-datasources", false, "execute the data sources")
	c.Flags().BoolVar(&syntax, "syntax-only", false, "check only the syntax, not the components' configuration")
	return c
}

func runValidate(a *cli.App, c *cobra.Command, args []string, t *templateFlags, syntax bool, options pipeline.Options) error {
	t.allowUnset = syntax
	template, err := t.parse(c, args)
	if err != nil {
		return err
	}
	names := []string{}
	if syntax {
		warn(a, template.Warnings())
	} else {
		plan, err := t.plan(c.Context(), a, template, options)
		if err != nil {
			return err
		}
		defer plan.Close()
		warn(a, plan.Warnings())
		for _, b := range plan.Builds {
			names = append(names, b.Name)
		}
	}
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type   string   `json:"type"`
			Valid  bool     `json:"valid"`
			Builds []string `json:"builds"`
		}{"result", true, names})
	}
	if t.machine {
		terminal.NewMachine(cli.Stdout.Document()).Line("", "ui", "say", "The template is valid.")
		return nil
	}
	fmt.Fprintln(cli.Stdout, "The template is valid.")
	return nil
}
