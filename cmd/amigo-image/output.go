package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/version"
)

// output is where a build's events go.
type output struct {
	sinks terminal.Sink
	lines *event.Lines // of the standard logger
}

// Emit passes an event on, with addresses as anybody may see them.
func (o *output) Emit(e event.Event) {
	e.Text = address.ShownIn(e.Text)
	o.sinks.Emit(e)
}

func (o *output) close() error {
	log.SetOutput(io.Discard)
	announcer.Store(&plainly)
	_ = o.lines.Close()
	return o.sinks.Close()
}

// chatty turns the output of tools into messages.
type chatty struct{ terminal.Sink }

func (c chatty) Emit(e event.Event) {
	if e.Type == event.Detail {
		e.Type = event.Message
	}
	c.Sink.Emit(e)
}

// open opens the sinks that the flags ask for: standard error for people or
// standard output for programs, and the log.
func (a *app) open(dir cache.Dir, plan *pipeline.Plan) (*output, error) {
	full, err := a.openLog(dir)
	if err != nil {
		return nil, err
	}
	a.logPath = full.Path()
	sinks := []terminal.Sink{full, state}
	switch {
	case a.json:
		sinks = append(sinks, a.jsonSink())
	case !a.quiet:
		sink := terminal.Open(os.Stderr, a.look(len(plan.Builds) > 1))
		if a.verbose {
			sink = chatty{sink}
		}
		sinks = append(sinks, sink)
	}
	o := &output{sinks: terminal.Tee(sinks...)}
	if !a.json && !a.quiet {
		announce := func(text string) { o.Emit(event.Event{Type: event.Message, Text: text}) }
		announcer.Store(&announce)
	}
	// What the components' libraries log belongs into the log alone.
	o.lines = event.NewLines(func(line string) {
		full.Emit(event.Event{Type: event.Detail, Text: address.ShownIn(plan.Hide(line))})
	})
	log.SetFlags(0)
	log.SetOutput(o.lines)
	return o, nil
}

func (a *app) openLog(dir cache.Dir) (*terminal.Log, error) {
	if a.log != "" {
		return terminal.LogFile(a.log)
	}
	return terminal.OpenLog(logs(dir), "build")
}

// look is how lines for people are to look.
func (a *app) look(builds bool) terminal.Look {
	return terminal.Look{Colour: a.colour, Builds: builds, Every: a.every, Times: a.times}
}

func (a *app) jsonSink() *terminal.JSON {
	sink := terminal.NewJSON(stdout.Document())
	if a.every > 0 {
		sink.Every(a.every)
	}
	return sink
}

// asker returns how to ask a person, or nil if nobody is there.
func asker() func(string) (string, error) {
	if !terminal.Is(os.Stdin) || !terminal.Is(os.Stderr) {
		return nil
	}
	answers := bufio.NewReader(os.Stdin)
	return func(query string) (string, error) {
		fmt.Fprintf(stderr, "%s ", query)
		line, err := answers.ReadString('\n')
		return strings.TrimSpace(line), err
	}
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
