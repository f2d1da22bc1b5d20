package qemu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepShutdown lets the guest shut down. One that has to be killed is not an image, unless
// allow_unclean_shutdown says so.
type stepShutdown struct{ *build }

func (s *stepShutdown) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "shutdown", "")
	s.expected.Store(true)
	comm, _ := state.Get("communicator").(packersdk.Communicator)
	var err error
	s.ended, err = s.vm.ShutDown(ctx, s.rungs(comm)...)
	if unclean := (*machine.UncleanError)(nil); errors.As(err, &unclean) && s.config.AllowUncleanShutdown {
		s.sink.Emit(event.Event{Type: event.Warning, Text: err.Error()})
		s.ended, err = "unclean", s.quit(ctx)
	}
	if phase.End(event.OK, s.ended, err) != nil {
		return fail(state, err)
	}
	return multistep.ActionContinue
}

// rungs are the ways to shut the guest down, the one that was asked for first.
func (s *stepShutdown) rungs(comm packersdk.Communicator) []machine.Rung {
	var rungs []machine.Rung
	if s.config.ShutdownCommand != "" {
		rungs = append(rungs, machine.Rung{Name: "shutdown_command", Do: func(ctx context.Context) error {
			return say(ctx, comm, s.config.ShutdownCommand)
		}})
	}
	return append(rungs, s.vm.Button(), machine.Rung{Name: "systemctl poweroff", Do: func(ctx context.Context) error {
		return say(ctx, comm, s.sudo(machine.PoweroffCommand))
	}})
}

// say runs a command that may take the connection away.
func say(ctx context.Context, comm packersdk.Communicator, text string) error {
	tail := event.NewTail(3)
	cmd := &packersdk.RemoteCmd{Command: text, Stdout: tail, Stderr: tail}
	if err := comm.Start(ctx, cmd); err != nil {
		return err
	}
	ended := make(chan int, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case status := <-ended:
		if status != 0 && status != packersdk.CmdDisconnect {
			return fmt.Errorf("exit status %d: %s", status, tail)
		}
		return nil
	}
}

// quitTime is how long QEMU may take to write down what the guest has written.
const quitTime = time.Minute

// quit ends the machine without the guest. Its disk is whole, as after a power cut.
func (s *stepShutdown) quit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quitTime)
	defer cancel()
	if err := s.vm.Quit(ctx); err != nil {
		return err
	}
	select {
	case <-s.vm.Exited():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("qemu does not end: %w", context.Cause(ctx))
	}
}

func (s *stepShutdown) Cleanup(multistep.StateBag) {}
