package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Everything is printed to one of these.
var (
	Stdout = terminal.NewPrinter(os.Stdout)
	Stderr = terminal.NewPrinter(os.Stderr)
)

// OpenLog opens the log that --log names, or one in the cache, named after the
// command. A command that cannot write one there does its work without a log.
func (a *App) OpenLog(command string) (*terminal.Log, error) {
	if path := cmp.Or(a.log, os.Getenv("PACKER_LOG_PATH")); path != "" {
		l, err := terminal.LogFile(path)
		a.LogPath, a.asked = l.Path(), l
		return l, err
	}
	var l *terminal.Log
	if dir, err := cache.Default(); err == nil {
		l, _ = terminal.OpenLog(LogDir(dir), command)
	}
	a.LogPath = l.Path()
	return l, nil
}

// Screen shows events on standard error, those of several builds with their names, and
// what these say in the lines of their phases. With --verbose, or PACKER_LOG, it shows the
// output of tools, too, and everything stays.
func (a *App) Screen(builds bool) terminal.Sink {
	log := os.Getenv("PACKER_LOG")
	all := a.Verbose || log != "" && log != "0"
	sink := terminal.Open(os.Stderr, terminal.Look{
		Colour: a.Colour, Builds: builds, Fold: builds && !all, Every: a.every, Times: a.Times, Plain: a.Plain,
	})
	if all {
		return verbose{sink}
	}
	return sink
}

// verbose turns the output of tools into messages.
type verbose struct{ terminal.Sink }

// Pause pauses what it shows.
func (v verbose) Pause() (resume func()) { return terminal.Pause(v.Sink) }

func (v verbose) Emit(e event.Event) {
	if e.Type == event.Detail {
		e.Type = event.Message
	}
	v.Sink.Emit(e)
}

// JSONSink writes events to standard output, one object a line.
func (a *App) JSONSink() *terminal.JSON {
	sink := terminal.NewJSON(Stdout.Document())
	if a.every > 0 {
		sink.Every(a.every)
	}
	return sink
}

// Asker returns how to ask a person, or nil if nobody is there.
func Asker() func(string) (string, error) {
	if !terminal.Is(os.Stdin) || !terminal.Is(os.Stderr) {
		return nil
	}
	answers := bufio.NewReader(os.Stdin)
	return func(query string) (string, error) {
		fmt.Fprintf(Stderr, "%s ", query)
		line, err := answers.ReadString('\n')
		return strings.TrimSpace(line), err
	}
}
