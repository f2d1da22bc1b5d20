package terminal

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Printer is where a program prints: one of its standard streams. What can't be
// printed is shown as escapes, wherever it came from. Writing never fails: its first
// error is kept for whoever ends the program, so that it is told once.
type Printer struct {
	mu  sync.Mutex
	f   *os.File
	err error
}

// NewPrinter returns a [Printer] to f.
func NewPrinter(f *os.File) *Printer { return &Printer{f: f} }

// File returns the stream itself, to ask what it is.
func (p *Printer) File() *os.File { return p.f }

// Write prints text for people. It must be given whole characters.
func (p *Printer) Write(text []byte) (int, error) {
	p.print([]byte(printable.Escape(string(text))))
	return len(text), nil
}

// Err returns the first error of writing, or nil.
func (p *Printer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Coloured returns a writer that lets the codes of colours through, for text
// that is painted already.
func (p *Printer) Coloured() io.Writer { return coloured{p} }

// Document returns a writer of JSON, one document or line at a time.
func (p *Printer) Document() io.Writer { return document{p} }

// Exact returns a writer of what a program reads back: on a terminal what can't be printed
// is shown as escapes, elsewhere nothing is changed.
func (p *Printer) Exact() io.Writer {
	if Is(p.f) {
		return p
	}
	return exact{p}
}

type exact struct{ *Printer }

func (e exact) Write(content []byte) (int, error) {
	e.print(content)
	return len(content), nil
}

func (p *Printer) print(text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.f.Write(text); p.err == nil {
		p.err = err
	}
}

type document struct{ *Printer }

func (d document) Write(content []byte) (int, error) {
	d.print(printable.JSON(content))
	return len(content), nil
}

type coloured struct{ *Printer }

// codes are those that set colours and boldness.
var codes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func (c coloured) Write(text []byte) (int, error) {
	var out bytes.Buffer
	rest := text
	for _, at := range codes.FindAllIndex(text, -1) {
		start, end := at[0]-len(text)+len(rest), at[1]-len(text)+len(rest)
		out.WriteString(printable.Escape(string(rest[:start])))
		out.Write(rest[start:end])
		rest = rest[end:]
	}
	out.WriteString(printable.Escape(string(rest)))
	c.print(out.Bytes())
	return len(text), nil
}

// clean makes the texts of an event fit to be shown. The colours of tools and
// their carriage returns go without a trace.
func clean(e event.Event) event.Event {
	text := strings.ReplaceAll(codes.ReplaceAllString(e.Text, ""), "\r", "")
	e.Build, e.Phase, e.Text = printable.Line(e.Build), printable.Line(e.Phase), printable.Escape(text)
	return e
}
