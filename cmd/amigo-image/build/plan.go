package build

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

func newPlanCommand(a *cli.App) *cobra.Command {
	var t templateFlags
	c := &cobra.Command{
		Use:     "plan [TEMPLATE]",
		GroupID: "build",
		Short:   "show what build would do",
		Long: `Show which builds of a template have to be made, and why; what was built and has not
changed need not. plan builds nothing. It looks at the inputs, as build does before it
begins, and executes data sources.

With --json, each line is a build: its name ("build"), a digest of all that decides
its result ("digest"; none if that can't be known before), whether the result is
there already ("unchanged"), and if not, "why". A scheduler can run each build by
itself: amigo-image build --only NAME.
` + exitStatusRead,
		Example: "  amigo-image plan examples/amigo\n  amigo-image plan --json . | jq -r 'select(.unchanged | not).build'",
		RunE:    func(c *cobra.Command, args []string) error { return runPlan(a, c, args, &t) },
	}
	t.add(c.Flags())
	return c
}

func runPlan(a *cli.App, c *cobra.Command, args []string, t *templateFlags) error {
	template, err := t.parse(c, args)
	if err != nil {
		return err
	}
	plan, err := t.plan(c.Context(), a, template, t.options())
	if err != nil {
		return err
	}
	defer plan.Close()
	warn(a, plan.Warnings())
	dir, err := cli.CacheDir()
	if err != nil {
		return err
	}
	outlooks, err := plan.Foresee(c.Context(), records(dir))
	var errs []error
	for _, o := range outlooks {
		errs = append(errs, showOutlook(a, o))
	}
	return errors.Join(append(errs, err)...)
}

func showOutlook(a *cli.App, o pipeline.Outlook) error {
	if a.JSON {
		return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
			Type string `json:"type"`
			pipeline.Outlook
		}{"build", o})
	}
	state := "to be built: " + o.Why
	if o.Unchanged {
		state = "nothing changed"
	}
	fmt.Fprintf(cli.Stdout, "%s  %s\n", o.Build, state)
	return nil
}
