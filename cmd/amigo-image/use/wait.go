package use

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
)

func newWaitCommand(a *cli.App) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:     "wait [NAME]",
		GroupID: "use",
		Short:   "wait until a machine answers, and print its address",
		Long: `Wait until a running machine answers: AmiGO's page and a search. Use it in
scripts after "run --detach", or when a machine takes longer than expected.
Without a name, wait takes the only running machine.

EXIT STATUS
  0    it answers
  1    not in time (the error says what answers), or it has shut down
  25   no such machine is running
  130  interrupted; the machine stays as it is`,
		Example:           "  amigo-image wait stable && curl \"$(amigo-image wait stable)\"\n  amigo-image wait my-test --timeout 30m",
		ValidArgsFunction: completeRunning,
		RunE:              func(c *cobra.Command, args []string) error { return runWait(a, c, args, timeout) },
	}
	cli.DurationVar(c.Flags(), &timeout, "timeout", "how long to wait (default: depends on the accelerator)")
	return c
}

func runWait(a *cli.App, c *cobra.Command, args []string, timeout time.Duration) error {
	if len(args) > 1 {
		return cli.Usage("one machine at a time", c.CommandPath()+" "+args[0])
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	m, err := running(c.Context(), store, c, strings.Join(args, ""))
	if err != nil {
		return err
	}
	r, err := a.Reporter("wait")
	if err != nil {
		return err
	}
	defer r.Close()
	m, err = launch.Wait(c.Context(), store, m, timeout, r)
	if c.Context().Err() != nil {
		return context.Cause(c.Context())
	}
	if err != nil {
		return err
	}
	return r.Result(newStarted("ready", m), m.URL)
}
