package terminal

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Columns of a line about a phase; the text has the rest.
const (
	nameColumns    = 13
	buildColumns   = 34 // with the name of the build
	statusColumns  = 8
	elapsedColumns = 10
	widest         = 100
)

// lineFormat makes lines of events. It is pure but for asking how wide the
// terminal is.
type lineFormat struct {
	width  func() int // nil: lines are as long as they must be
	colour bool
	builds bool // name the build in every line
}

// phase returns the line about a phase.
func (l lineFormat) phase(e event.Event, status, text, elapsed string) string {
	name := fit(l.name(e), l.nameColumns())
	line := name + " " + l.paint(fit(status, statusColumns), status) + " "
	room := l.textColumns()
	if l.width == nil {
		return strings.TrimRight(line+pad(text, room)+" "+fmt.Sprintf("%*s", elapsedColumns-1, elapsed), " ")
	}
	if room < 8 {
		return strings.TrimRight(line+elapsed, " ")
	}
	return strings.TrimRight(line+fit(text, room)+fmt.Sprintf("%*s", elapsedColumns, elapsed), " ")
}

// textColumns is how many columns a phase's text has.
func (l lineFormat) textColumns() int {
	total := 80
	if l.width != nil {
		// The last column stays free: some terminals wrap when it is written.
		total = min(l.width(), widest) - 1
	}
	return total - l.nameColumns() - statusColumns - elapsedColumns - 2
}

func (l lineFormat) nameColumns() int {
	if l.builds {
		return buildColumns
	}
	return nameColumns
}

func (l lineFormat) name(e event.Event) string {
	if l.builds && e.Build != "" {
		return e.Build + ": " + e.Phase
	}
	return e.Phase
}

// message returns a line of text that belongs to a phase.
func (l lineFormat) message(e event.Event) string {
	text := "  "
	if l.builds && e.Build != "" {
		text += e.Build + ": "
	}
	if e.Type == event.Warning {
		text += l.paint("warning:", "warning") + " "
	}
	text += strings.ReplaceAll(e.Text, "\n", " ")
	if l.width != nil {
		return Wrap(text, l.width()-1)
	}
	return text
}

// Painter returns a function that colours a text for f as the word it stands
// for, such as "ok" or "missing".
func Painter(f *os.File, colour Colour) func(text, as string) string {
	return lineFormat{colour: colour.Coloured(f)}.paint
}

var paints = map[string]string{
	string(event.OK):     "32",
	string(event.Cached): "36",
	string(event.Failed): "31",
	"running":            "33",
	"slow":               "33",
	"missing":            "31",
	"warning":            "33",
}

func (l lineFormat) paint(text, as string) string {
	code, ok := paints[as]
	if !l.colour || !ok {
		return text
	}
	word := strings.TrimRight(text, " ")
	return "\x1b[" + code + "m" + word + "\x1b[0m" + text[len(word):]
}

// fit cuts or fills text to exactly n columns.
func fit(text string, n int) string {
	text = printable.Line(text)
	if runewidth.StringWidth(text) > n {
		text = runewidth.Truncate(text, n, "..")
	}
	return pad(text, n)
}

func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-runewidth.StringWidth(text)))
}

// Elapsed writes a duration for a person: "0.1 s", "71 s", "4m02s".
func Elapsed(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 99.5:
		return fmt.Sprintf("%.0f s", s)
	default:
		whole := int(s + 0.5)
		return fmt.Sprintf("%dm%02ds", whole/60, whole%60)
	}
}

func scale(n int64) (value, unit string) {
	value, unit, _ = strings.Cut(bytesize.Of(n), " ")
	return value, unit
}

// fraction writes "1.2/1.9 GiB", with both units if they differ.
func fraction(done, total int64) string {
	d, du := scale(done)
	t, tu := scale(total)
	if du == tu {
		return d + "/" + t + " " + tu
	}
	return d + " " + du + "/" + t + " " + tu
}
