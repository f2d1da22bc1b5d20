package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// announcer writes a line for people at any time. Who has lines that move on the
// screen replaces it.
var announcer atomic.Pointer[func(string)]

// state is what goes on, for SIGUSR1.
var state = terminal.NewState()

var plainly = func(text string) { fmt.Fprintln(stderr, text) }

func init() { announcer.Store(&plainly) }

// answering tells at each SIGUSR1 what goes on: with kill -USR1 somebody sees
// how far a command is that runs in a pipe or at night. It returns what ends
// that.
func answering(command string) func() {
	began, signals := time.Now(), make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			tell := *announcer.Load()
			tell(fmt.Sprintf("%s, since %s", command, terminal.Elapsed(time.Since(began))))
			for _, line := range state.Lines() {
				tell("  " + line)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// interruptible returns a context that the first Ctrl-C or SIGTERM ends. The
// second ends the program at once, and what it started and did not detach.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s, ok := <-signals
		if !ok {
			return
		}
		cancel(&fault.Error{
			What: "stopped by " + name(s), Kept: "what is finished; the same command goes on from there",
			Code: fault.Interrupted, Err: context.Canceled,
		})
		(*announcer.Load())("stopping; once more ends at once")
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
