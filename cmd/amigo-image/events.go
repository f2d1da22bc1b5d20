package main

import (
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// reporter is where a command tells what it does: events and lines for people,
// objects for programs, and the log.
type reporter struct {
	app  *app
	log  *terminal.Log
	json *terminal.JSON // nil unless asked for

	mu     sync.Mutex
	screen terminal.Sink // nil while nothing moves
}

// reporter opens the log and what else the flags ask for. what names the log.
func (a *app) reporter(what string) (*reporter, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	r := &reporter{app: a}
	if a.log != "" {
		r.log, err = terminal.LogFile(a.log)
	} else {
		r.log, err = terminal.OpenLog(logs(dir), what)
	}
	if err != nil {
		return nil, err
	}
	a.logPath = r.log.Path()
	if a.json {
		r.json = a.jsonSink()
	} else if !a.quiet {
		announce := r.aside
		announcer.Store(&announce)
	}
	return r, nil
}

// Emit passes an event on, with addresses as anybody may see them.
func (r *reporter) Emit(e event.Event) {
	e.Text = address.ShownIn(e.Text)
	r.log.Emit(e)
	state.Emit(e)
	switch {
	case r.json != nil:
		r.json.Emit(e)
	case !r.app.quiet:
		r.show(e)
	}
}

func (r *reporter) show(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen == nil {
		r.screen = terminal.Open(os.Stderr, r.app.look(false))
		if r.app.verbose {
			r.screen = chatty{r.screen}
		}
	}
	r.screen.Emit(e)
}

// aside writes a line while phases may run.
func (r *reporter) aside(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen == nil {
		fmt.Fprintln(stderr, text)
		return
	}
	r.screen.Emit(event.Event{Type: event.Message, Text: text})
}

// settle ends what moves on the screen, so that lines can be written there.
func (r *reporter) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen != nil {
		_ = r.screen.Close()
		r.screen = nil
	}
}

// say writes a line for people. It must not be used while phases run.
func (r *reporter) say(format string, arguments ...any) {
	r.write(fmt.Sprintf(format, arguments...), r.app.quiet)
}

// warn writes a line that nobody may miss.
func (r *reporter) warn(text string) { r.write("warning: "+text, false) }

func (r *reporter) write(text string, quiet bool) {
	text = address.ShownIn(text)
	r.log.Emit(event.Event{Type: event.Message, Text: text})
	if !r.app.json && !quiet {
		r.settle()
		fmt.Fprintln(stderr, terminal.Wrapped(os.Stderr, text))
	}
}

// result writes a result: an object for programs, or a text for people.
func (r *reporter) result(object any, text string) error {
	if r.json != nil {
		return r.json.Object(object)
	}
	r.settle()
	_, err := fmt.Fprintln(stdout, text)
	return err
}

// object writes an object for programs.
func (r *reporter) object(v any) error {
	if r.json == nil {
		return nil
	}
	return r.json.Object(v)
}

func (r *reporter) close() {
	announcer.Store(&plainly)
	r.settle()
	_ = r.log.Close()
}

// completeNames completes a command's arguments with names from the store.
func completeNames(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return localNames(c.Context()), cobra.ShellCompDirectiveNoFileComp
}

// completeFiles completes with names from the store, and files.
func completeFiles(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return localNames(c.Context()), cobra.ShellCompDirectiveDefault
}
