package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/fault"
)

// announcer writes a line for people at any time. Who has lines that move on the
// screen replaces it.
var announcer atomic.Pointer[func(string)]

func init() {
	plain := func(text string) { fmt.Fprintln(os.Stderr, text) }
	announcer.Store(&plain)
}

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
		(*announcer.Load())("stopping; once more ends at once")
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
