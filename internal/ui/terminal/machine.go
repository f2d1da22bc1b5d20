package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Machine writes what happens as Packer's -machine-readable does: a line for each thing,
// with the time, a build or nothing, a type, and its data, separated by commas.
//
// Source: https://developer.hashicorp.com/packer/docs/commands#machine-readable-output
type Machine struct {
	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
}

// NewMachine returns a sink that writes to w, such as a [Printer.Document].
func NewMachine(w io.Writer) *Machine { return &Machine{w: w, now: time.Now} }

// escaped are the characters that separate fields and lines.
var escaped = strings.NewReplacer(",", "%!(PACKER_COMMA)", "\r", `\r`, "\n", `\n`)

// Line writes one line.
func (m *Machine) Line(target, kind string, data ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fields := []string{fmt.Sprint(m.now().Unix()), printable.Escape(escaped.Replace(target)), kind}
	for _, one := range data {
		fields = append(fields, printable.Escape(escaped.Replace(one)))
	}
	_, _ = fmt.Fprintln(m.w, strings.Join(fields, ","))
}

// Emit writes what a person would read.
func (m *Machine) Emit(e event.Event) {
	e = clean(e)
	switch e.Type {
	case event.Message:
		m.say("say", e.Build, e.Text)
	case event.Warning:
		m.say("error", e.Build, e.Text)
	case event.PhaseStart:
		if e.Text != "" {
			m.say("message", e.Build, e.Phase+": "+e.Text)
		}
	case event.PhaseEnd:
		if e.Status == event.Failed {
			m.say("error", e.Build, e.Phase+": "+e.Text)
		}
	case event.Progress, event.Detail: // Packer has none of the first, and the log has the second
	}
}

func (m *Machine) say(kind, build, text string) {
	if build != "" {
		text = "==> " + build + ": " + text
	}
	m.Line("", "ui", kind, text)
}

// Close does nothing.
func (m *Machine) Close() error { return nil }
