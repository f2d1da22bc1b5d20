package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/fault"
)

// interruptible returns a context that the first Ctrl-C or SIGTERM ends. The
// second ends the program at once; what it started dies with it.
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
		fmt.Fprintln(os.Stderr, "stopping; once more ends at once")
		if _, ok := <-signals; ok {
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
