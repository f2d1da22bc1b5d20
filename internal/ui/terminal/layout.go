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
	buildColumns   = 34 // with the name of the build, on 80 columns and in a pipe
	statusColumns  = 8
	elapsedColumns = 10
	narrowText     = 8 // a text with less room is left out
	widest         = 120
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
	if l.width == nil {
		line := pad(l.name(e), l.nameColumns()) + " " + l.paint(pad(status, statusColumns), status) + " "
		return strings.TrimRight(line+pad(text, l.textColumns())+fmt.Sprintf(" %*s", elapsedColumns-1, elapsed), " ")
	}
	line := l.fitName(e) + " "
	if l.total() >= l.fixedColumns() {
		line += l.paint(fit(status, statusColumns), status) + " "
	}
	if room := l.textColumns(); room >= narrowText {
		line += fit(text, room)
	}
	return strings.TrimRight(line+fmt.Sprintf("%*s", elapsedColumns, elapsed), " ")
}

// total is how many columns a line has. The last column of a terminal stays free: some
// terminals wrap when it is written.
func (l lineFormat) total() int {
	if l.width == nil {
		return 80
	}
	return min(l.width(), widest) - 1
}

// textColumns is how many columns a phase's text has.
func (l lineFormat) textColumns() int { return l.total() - l.fixedColumns() }

// fixedColumns is how many columns all but the text has.
func (l lineFormat) fixedColumns() int {
	return l.nameColumns() + statusColumns + elapsedColumns + 2
}

// nameColumns is how many columns a phase's name has: less on a narrow terminal.
func (l lineFormat) nameColumns() int {
	columns := nameColumns
	if l.builds {
		columns = buildColumns
	}
	if l.width == nil {
		return columns
	}
	rest := l.total() - statusColumns - elapsedColumns - 2
	if l.builds {
		columns = (l.total() + 1) * 3 / 7
	}
	if columns = min(columns, max(nameColumns, rest)); l.builds && rest-columns < narrowText {
		columns = max(nameColumns, rest)
	}
	return columns
}

func (l lineFormat) name(e event.Event) string {
	if l.builds && e.Build != "" {
		return e.Build + ": " + e.Phase
	}
	return e.Phase
}

// fitName is the name in its columns. When there is no room, more of the phase stays
// than of the build: a build has several lines that are to be told apart.
func (l lineFormat) fitName(e event.Event) string {
	columns := l.nameColumns()
	if l.total() < l.fixedColumns() {
		columns = max(1, l.total()-elapsedColumns-1)
	}
	name := printable.Line(l.name(e))
	if runewidth.StringWidth(name) <= columns || !l.builds || e.Build == "" {
		return fit(name, columns)
	}
	phase := Shorten(e.Phase, columns/2)
	build := Shorten(e.Build, columns-runewidth.StringWidth(phase)-2)
	return fit(build+": "+phase, columns)
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
		return Wrap(untabbed(text), l.width()-1)
	}
	return text
}

// untabbed has spaces for tabs, whose columns nobody can count.
func untabbed(text string) string { return strings.ReplaceAll(text, "\t", "    ") }

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
func fit(text string, n int) string { return pad(Shorten(text, n), n) }

// Shorten makes text one line of at most n columns.
func Shorten(text string, n int) string {
	text = printable.Line(untabbed(text))
	if runewidth.StringWidth(text) <= n {
		return text
	}
	return runewidth.Truncate(text, max(0, n), "..")
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
