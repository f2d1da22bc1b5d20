// Package cli is what the commands have in common: the flags that all take, the
// screen, and errors in the words of the command line.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// App is what the commands share: the registry and the global flags.
type App struct {
	Registry pipeline.Registry
	Root     *cobra.Command

	Args    []string // the command line, without the program's name
	JSON    bool
	Quiet   bool
	Verbose bool
	Colour  terminal.Colour
	every   time.Duration
	Times   bool // lines in a pipe begin with the time
	Plain   bool // lines as in a pipe, also on a terminal
	log     string
	asked   *terminal.Log // the one that --log names
	LogPath string        // of the log that was written, for errors
	unknown error         // that help was asked of a command that is not there
}

// New returns an App for a command line.
func New(registry pipeline.Registry, args []string) *App {
	return &App{Registry: registry, Args: args, Colour: terminal.Auto}
}

// Execute runs the command line and returns the exit status.
func (a *App) Execute(ctx context.Context) int {
	err := cmp.Or(a.Root.ExecuteContext(ctx), a.unknown)
	status := fault.OK
	if err != nil {
		status = a.Report(err)
	}
	a.checkLog()
	if status == fault.OK {
		status = a.printed()
	}
	return status
}

// printed returns the exit status of a command that did what it should, if its
// result could be written. A reader who has seen enough is no fault.
func (a *App) printed() int {
	err := Stdout.Err()
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return fault.OK
	}
	return a.Report(&PrintError{err})
}

// PrintError is a result that could not be printed. What it tells of is done, so the
// command is not to be given again.
type PrintError struct{ Err error }

func (e *PrintError) Error() string { return "printing the result: " + e.Err.Error() }

func (e *PrintError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *PrintError) Fault() fault.Report {
	return fault.Report{
		What: "the result could not be printed", Where: fault.Cause(e.Err), Kept: "the command did what it should",
		Code: fault.Of(e.Err).Code,
	}
}

// CheckFlags refuses global flags that contradict each other.
func (a *App) CheckFlags() error {
	if a.Quiet && a.Verbose {
		return Usage("--quiet and --verbose can't be used together", a.Root.Name()+" --help")
	}
	return nil
}

// checkLog warns of a log that was asked for and could not be written whole.
func (a *App) checkLog() {
	if a.asked == nil {
		return
	}
	if err := a.asked.Err(); err != nil {
		fmt.Fprintln(Stderr, "warning: the log is not whole: "+fault.Plain(err))
	}
}

// GlobalFlags gives the root command the flags that every command takes.
func (a *App) GlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&a.JSON, "json", false, "write JSON, one object a line")
	flags.BoolVarP(&a.Quiet, "quiet", "q", false, "write only the result, and warnings")
	flags.BoolVarP(&a.Verbose, "verbose", "v", false, "also show the output of tools")
	flags.Var(&a.Colour, "color", "colour the output")
	DurationVar(flags, &a.every, "progress", "without a terminal, show progress every `INTERVAL`, such as 30s")
	flags.StringVar(&a.log, "log", "", "write the full log to this `FILE`")
}
