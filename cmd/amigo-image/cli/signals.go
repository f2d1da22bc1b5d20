package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/leave"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// announcer writes a line for people at any time.
var announcer atomic.Pointer[func(string)]

// State is what goes on, for SIGUSR1.
var State = terminal.NewState()

func init() { AnnounceWith(nil) }

// AnnounceWith sets how a line is written at any time, as when a signal comes:
// who has lines that move on the screen knows where. nil writes to standard
// error.
func AnnounceWith(write func(text string)) {
	if write == nil {
		write = func(text string) { fmt.Fprintln(Stderr, text) }
	}
	announcer.Store(&write)
}

// Answering tells at each SIGUSR1 what goes on: with kill -USR1 somebody sees
// how far a command is that runs in a pipe or at night. It returns what ends
// that.
func Answering(command string) func() {
	began, signals := time.Now(), make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			tell := *announcer.Load()
			tell(fmt.Sprintf("%s, since %s", command, terminal.Elapsed(time.Since(began))))
			for _, line := range State.Lines() {
				tell("  " + line)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// Interruptible returns a context that the first Ctrl-C or SIGTERM ends. The
// second ends the program at once, and what it started and did not detach.
func Interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s, ok := <-signals
		if !ok {
			return
		}
		cancel(&fault.Error{
			What: "stopped by " + name(s), Kept: "what is finished; the same command resumes",
			Code: fault.Interrupted, Err: context.Canceled,
		})
		(*announcer.Load())("stopping; " + again(s) + " ends it at once")
		if _, ok := <-signals; ok {
			command.KillAll()
			os.Exit(fault.Interrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}

// again is what comes after a first signal: nobody has pressed what a script
// sends.
func again(s os.Signal) string {
	if s == os.Interrupt {
		return "a second Ctrl-C"
	}
	return "a second signal"
}

func name(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "Ctrl-C"
	case syscall.SIGTERM:
		return "SIGTERM"
	default:
		return s.String()
	}
}

// grace is how long what has changed nothing yet may take to end by itself.
const grace = time.Second

// Leave runs f, which changes nothing, and leaves it alone if it does not end soon after
// ctx: an expression of a template can take any time, and cannot be stopped.
func Leave[T any](ctx context.Context, f func() (T, error)) (T, error) {
	return leave.Behind(ctx, grace, f)
}
