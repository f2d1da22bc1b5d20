package use

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func newStopCommand(a *cli.App) *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use:     "stop [NAME...]",
		GroupID: "use",
		Short:   "shut down running machines",
		Long: `Shut machines down, as their power button would, and wait until they are off.
Without a name, stop takes the only running machine.

EXIT STATUS
  0    all are off
  25   no such machine is running
  130  interrupted; they go on shutting down`,
		Example:           "  amigo-image stop stable\n  amigo-image stop --now my-test",
		ValidArgsFunction: completeRunning,
		RunE:              func(c *cobra.Command, args []string) error { return runStop(a, c, args, now) },
	}
	c.Flags().BoolVar(&now, "now", false, "power off at once; unwritten data is lost")
	cli.Deliberate(c.Flags(), "now")
	return c
}

func runStop(a *cli.App, c *cobra.Command, args []string, now bool) error {
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("stop")
	if err != nil {
		return err
	}
	defer r.Close()
	if len(args) == 0 {
		args = []string{""}
	}
	for _, name := range args {
		m, err := running(c.Context(), store, c, name)
		if err != nil {
			return err
		}
		phase := event.Start(r, launch.PhaseShutdown, m.Name)
		if err := phase.End(event.OK, m.Name, stopMachine(c.Context(), store, m, now)); err != nil {
			return err
		}
		if err := r.Object(newStarted("stopped", m)); err != nil {
			return err
		}
	}
	return nil
}

// stopMachine tells the process that keeps a machine to shut it down, and waits until
// it has.
func stopMachine(ctx context.Context, store imagestore.Store, m imagestore.Machine, now bool) error {
	signals := []syscall.Signal{syscall.SIGTERM}
	if now {
		signals = append(signals, syscall.SIGTERM)
	}
	for i, s := range signals {
		if err := syscall.Kill(m.PID, s); err != nil && (i == 0 || !errors.Is(err, syscall.ESRCH)) {
			return &fault.Error{What: fmt.Sprintf("%s cannot be told to stop: %v", m.Name, err), Code: fault.Other, Err: err}
		}
		time.Sleep(time.Duration(len(signals)-1) * 200 * time.Millisecond) // two signals at once are one
	}
	return store.AwaitOff(ctx, m)
}
