package build

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"os"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// output is where a build's events go.
type output struct {
	sinks  terminal.Sink
	lines  *event.Lines // of the standard logger
	phases *phases
	screen terminal.Sink // nil: nobody looks
}

// Emit passes an event on, with addresses as anybody may see them.
func (o *output) Emit(e event.Event) {
	e.Text = address.ShownIn(e.Text)
	o.sinks.Emit(e)
}

// asking returns ask with nothing that moves on the screen meanwhile.
func (o *output) asking(ask func(string) (string, error)) func(string) (string, error) {
	if ask == nil || o.screen == nil {
		return ask
	}
	return func(query string) (string, error) {
		defer terminal.Pause(o.screen)()
		return ask(query)
	}
}

func (o *output) close() error {
	log.SetOutput(io.Discard)
	cli.AnnounceWith(nil)
	_ = o.lines.Close()
	return o.sinks.Close()
}

// openOutput opens the sinks that the flags ask for: standard error for people or
// standard output for programs, and the log.
func openOutput(a *cli.App, plan *pipeline.Plan, machine bool) (*output, error) {
	full, err := a.OpenLog("build")
	if err != nil {
		return nil, err
	}
	o := &output{phases: &phases{}}
	sinks := []terminal.Sink{full, cli.State, o.phases}
	switch {
	case machine:
		sinks = append(sinks, terminal.NewMachine(cli.Stdout.Document()))
	case a.JSON:
		sinks = append(sinks, a.JSONSink())
	case !a.Quiet:
		o.screen = a.Screen(len(plan.Builds) > 1)
		sinks = append(sinks, o.screen)
	}
	o.sinks = terminal.Tee(sinks...)
	if !machine && !a.JSON && !a.Quiet {
		cli.AnnounceWith(func(text string) { o.Emit(event.Event{Type: event.Message, Text: text}) })
	}
	// What the components' libraries log belongs into the log alone.
	o.lines = event.NewLines(func(line string) {
		full.Emit(event.Event{Type: event.Detail, Text: address.ShownIn(plan.Hide(line))})
	})
	log.SetFlags(0)
	log.SetOutput(o.lines)
	return o, nil
}

// engine identifies this program: its version, and its bytes, since a version
// under development has many.
func engine() string {
	sum := sha256.New()
	if path, err := os.Executable(); err == nil {
		if f, err := os.Open(path); err == nil {
			_, _ = io.Copy(sum, f)
			_ = f.Close()
		}
	}
	return version.String() + " " + hex.EncodeToString(sum.Sum(nil))
}
