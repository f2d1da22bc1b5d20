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
	log     string
	LogPath string // of the log that was written, for errors
	unknown error  // that help was asked of a command that is not there
}

// New returns an App for a command line.
func New(registry pipeline.Registry, args []string) *App {
	return &App{Registry: registry, Args: args, Colour: terminal.Auto}
}

// Execute runs the command line and returns the exit status.
func (a *App) Execute(ctx context.Context) int {
	err := a.Root.ExecuteContext(ctx)
	if err = cmp.Or(err, a.unknown); err != nil {
		return a.Report(err)
	}
	return a.printed()
}

// printed returns the exit status of a command that did what it should, if its
// result could be written. A reader who has seen enough is no fault.
func (a *App) printed() int {
	err := Stdout.Err()
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return fault.OK
	}
	return a.Report(fmt.Errorf("printing the result: %w", err))
}

// GlobalFlags gives the root command the flags that every command takes.
func (a *App) GlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&a.JSON, "json", false, "write JSON, one object a line")
	flags.BoolVarP(&a.Quiet, "quiet", "q", false, "write only the result, and warnings")
	flags.BoolVarP(&a.Verbose, "verbose", "v", false, "also show the output of tools")
	flags.Var(&a.Colour, "color", "colour the output")
	flags.DurationVar(&a.every, "progress", 0, "without a terminal, show progress every `INTERVAL`, such as 30s")
	flags.StringVar(&a.log, "log", "", "write the full log to this `FILE`")
}
