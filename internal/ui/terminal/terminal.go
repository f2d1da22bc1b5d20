// Package terminal shows the stream of events to whoever looks: live lines on
// a terminal, plain lines in a pipe, JSON for programs, everything in a log
// file. It is the only package that knows what a terminal is.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Sink shows events. Close ends what it shows; nothing may be emitted after.
type Sink interface {
	event.Sink
	io.Closer
}

// Colour says when colours are used.
type Colour string

// When colours are used. Auto is: on a terminal, unless NO_COLOR or
// PACKER_NO_COLOR is set or TERM is "dumb".
const (
	Auto   Colour = "auto"
	Always Colour = "always"
	Never  Colour = "never"
)

// Set makes Colour a flag's value. It takes Packer's true and false as well.
func (c *Colour) Set(text string) error {
	switch strings.ToLower(text) {
	case "auto", "true", "":
		*c = Auto
	case "always":
		*c = Always
	case "never", "false":
		*c = Never
	default:
		return fmt.Errorf("%q is not one of auto, always, never", text)
	}
	return nil
}

// String returns the value as it is given.
func (c *Colour) String() string { return string(*c) }

// Type names the values in a help text.
func (c *Colour) Type() string { return "auto|always|never" }

// Is tells whether f is a terminal.
func Is(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Width returns the columns of f, 80 if it is not a terminal or does not tell.
func Width(f *os.File) int {
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		return columns
	}
	return 80
}

// Coloured tells whether what goes to f is to be coloured. Each stream is
// judged by itself.
func (c Colour) Coloured(f *os.File) bool {
	switch c {
	case Always:
		return true
	case Never:
		return false
	default:
		return Is(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("PACKER_NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
}

// Look is how a sink for people is to look.
type Look struct {
	Colour Colour
	Builds bool          // lines name the build they belong to
	Fold   bool          // on a terminal, what a phase says is shown in its line while it runs
	Every  time.Duration // between two lines of progress in a pipe; 0: few
	Times  bool          // lines in a pipe begin with the time
	Plain  bool          // as in a pipe, also on a terminal
}

// Open returns the sink for people that suits f.
func Open(f *os.File, look Look) Sink {
	l := lineFormat{colour: look.Colour.Coloured(f), builds: look.Builds}
	if Is(f) && os.Getenv("TERM") != "dumb" && !look.Plain {
		l.width = func() int { return Width(f) }
		return newLive(f, l, look.Fold)
	}
	t := newText(f, l)
	t.every, t.times = look.Every, look.Times
	return t
}

// Pause removes what moves from a sink's terminal, so that somebody can be asked something.
// What is to be shown waits until resume is called. Other sinks go on.
func Pause(s Sink) (resume func()) {
	if moving, ok := s.(interface{ Pause() (resume func()) }); ok {
		return moving.Pause()
	}
	return func() {}
}

// key tells phases apart.
func key(e event.Event) string { return e.Build + "\x00" + e.Phase }

// Tee emits to every one of sinks.
func Tee(sinks ...Sink) Sink { return tee(sinks) }

type tee []Sink

func (t tee) Emit(e event.Event) {
	for _, s := range t {
		s.Emit(e)
	}
}

func (t tee) Close() error {
	var first error
	for _, s := range t {
		if err := s.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
