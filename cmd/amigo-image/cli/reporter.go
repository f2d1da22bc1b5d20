package cli

import (
	"fmt"
	"os"
	"sync"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Reporter is where a command tells what it does: events and lines for people,
// objects for programs, and the log.
type Reporter struct {
	app  *App
	log  *terminal.Log
	JSON *terminal.JSON // nil unless asked for

	mu     sync.Mutex
	screen terminal.Sink // nil while nothing moves
}

// Reporter opens the command's log and what else the flags ask for.
func (a *App) Reporter(command string) (*Reporter, error) {
	log, err := a.OpenLog(command)
	if err != nil {
		return nil, err
	}
	r := &Reporter{app: a, log: log}
	if a.JSON {
		r.JSON = a.JSONSink()
	} else if !a.Quiet {
		AnnounceWith(r.aside)
	}
	return r, nil
}

// Emit passes an event on, with addresses as anybody may see them.
func (r *Reporter) Emit(e event.Event) {
	e.Text = address.ShownIn(e.Text)
	r.log.Emit(e)
	State.Emit(e)
	switch {
	case r.JSON != nil:
		r.JSON.Emit(e)
	case !r.app.Quiet:
		r.show(e)
	}
}

func (r *Reporter) show(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen == nil {
		r.screen = r.app.Screen(false)
	}
	r.screen.Emit(e)
}

// aside writes a line while phases may run.
func (r *Reporter) aside(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen == nil {
		fmt.Fprintln(Stderr, text)
		return
	}
	r.screen.Emit(event.Event{Type: event.Message, Text: text})
}

// Settle ends what moves on the screen, so that lines can be written there.
func (r *Reporter) Settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.screen != nil {
		_ = r.screen.Close()
		r.screen = nil
	}
}

// Say writes a line for people. It must not be used while phases run.
func (r *Reporter) Say(format string, arguments ...any) {
	r.write(fmt.Sprintf(format, arguments...), r.app.Quiet)
}

// Warn writes a line that nobody may miss.
func (r *Reporter) Warn(text string) { r.write("warning: "+text, false) }

func (r *Reporter) write(text string, quiet bool) {
	text = address.ShownIn(text)
	r.log.Emit(event.Event{Type: event.Message, Text: text})
	if !r.app.JSON && !quiet {
		r.Settle()
		fmt.Fprintln(Stderr, terminal.Wrapped(os.Stderr, text))
	}
}

// Result writes a result: an object for programs, or a text for people.
func (r *Reporter) Result(object any, text string) error {
	if r.JSON != nil {
		return r.JSON.Object(object)
	}
	r.Settle()
	_, err := fmt.Fprintln(Stdout, text)
	return err
}

// Object writes an object for programs.
func (r *Reporter) Object(v any) error {
	if r.JSON == nil {
		return nil
	}
	return r.JSON.Object(v)
}

// Close ends what moves on the screen and closes the log.
func (r *Reporter) Close() {
	AnnounceWith(nil)
	r.Settle()
	_ = r.log.Close()
}
