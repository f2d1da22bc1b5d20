package terminal

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8/cwriter"
	"golang.org/x/term"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const (
	refresh   = 200 * time.Millisecond // between two drawings of live lines
	tailKept  = 10                     // last lines of a phase, shown if it fails
	tailAsked = 3                      // of each phase, shown above a question
	shortest  = 8                      // a bar with fewer columns is left out
)

// live shows a line that moves for every phase that runs, below the lines of
// those that have ended.
type live struct {
	mu     sync.Mutex
	layout lineFormat
	fold   bool // what a phase says is shown in its line, while it runs
	phases []*liveLine

	screen *screen
	out    *cwriter.Writer // to the screen
	drawn  []string        // what moves, as it is on the screen
	paused bool
	stays  strings.Builder // lines that have not been written yet

	stop, stopped chan struct{}
}

func newLive(f *os.File, l lineFormat, fold bool) *live {
	s := &screen{f: f}
	all := &live{layout: l, fold: fold, screen: s, out: cwriter.New(s), stop: make(chan struct{}), stopped: make(chan struct{})}
	go all.move()
	return all
}

// screen is a terminal whose cursor is below the lines that move.
type screen struct {
	f    *os.File
	more int // rows that moving lines have taken since they were drawn
}

// Write begins in the first column: what is typed, such as ^C, is shown where the cursor
// is, and lines are cleared from there. It is one call, so that nothing flickers.
func (s *screen) Write(text []byte) (int, error) {
	var out bytes.Buffer
	out.WriteByte('\r')
	if s.more > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", s.more)
	}
	out.Write(text)
	s.more = 0
	_, err := s.f.Write(out.Bytes())
	return len(text), err
}

func (s *screen) size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(s.f.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// move draws until somebody stops it.
func (l *live) move() {
	defer close(l.stopped)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.mu.Lock()
			l.draw("")
			l.mu.Unlock()
		}
	}
}

func (l *live) Emit(e event.Event) {
	e = clean(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Type {
	case event.PhaseStart:
		l.remove(e)
		l.add(&liveLine{layout: l.layout, event: e, started: time.Now().Add(-e.Elapsed)})
		l.draw("")
	case event.PhaseEnd:
		said := l.lastWords(e)
		l.remove(e)
		l.draw(said + l.layout.phase(e, string(e.Status), ended(e), Elapsed(e.Elapsed)) + "\n")
	case event.Progress:
		if p := l.find(e); p != nil {
			p.progress.update(e, time.Now())
		}
	case event.Message:
		l.message(e)
	case event.Warning:
		l.draw(l.layout.message(e) + "\n")
	case event.Detail: // the log has it
	}
}

func (l *live) message(e event.Event) {
	line := l.layout.message(e) + "\n"
	p := l.find(e)
	switch {
	case p != nil && l.fold:
		p.say(e.Text)
	case l.paused && e.Build == "": // of Ctrl-C, for one, which is not to wait for an answer
		_, _ = l.screen.Write([]byte("\n" + line))
	default:
		l.draw(line)
	}
}

// find returns the running phase that e is about, or nil.
func (l *live) find(e event.Event) *liveLine {
	at := slices.IndexFunc(l.phases, func(p *liveLine) bool { return key(p.event) == key(e) })
	if at < 0 {
		return nil
	}
	return l.phases[at]
}

// add puts a phase below those of the same build.
func (l *live) add(p *liveLine) {
	at := len(l.phases)
	for i, other := range l.phases {
		if other.event.Build == p.event.Build {
			at = i + 1
		}
	}
	l.phases = slices.Insert(l.phases, at, p)
}

func (l *live) remove(e event.Event) {
	l.phases = slices.DeleteFunc(l.phases, func(p *liveLine) bool { return key(p.event) == key(e) })
}

// lastWords are what a phase said last, if it failed and that was folded.
func (l *live) lastWords(e event.Event) string {
	if p := l.find(e); p != nil && e.Status == event.Failed {
		return p.unfold(tailKept)
	}
	return ""
}

// draw writes what stays, and below it what moves.
func (l *live) draw(stays string) {
	l.stays.WriteString(stays)
	if l.paused || l.stays.Len() == 0 && len(l.drawn) == 0 && len(l.phases) == 0 {
		return
	}
	columns, rows := l.screen.size()
	l.screen.more = reflowed(l.drawn, columns)
	l.drawn = running(l.phases, time.Now(), rows)
	_, _ = l.out.WriteString(l.stays.String())
	for _, line := range l.drawn {
		_, _ = l.out.WriteString(line + "\n")
	}
	_ = l.out.Flush(len(l.drawn))
	l.stays.Reset()
}

// reflowed is how many more rows lines take on a terminal that has become so narrow.
func reflowed(lines []string, columns int) int {
	more := 0
	for _, line := range lines {
		more += max(0, runewidth.StringWidth(codes.ReplaceAllString(line, ""))-1) / columns
	}
	return more
}

// running returns a line of each phase. The cursor is below them: if there are more than
// rows, the last line counts the rest.
func running(phases []*liveLine, now time.Time, rows int) []string {
	room := max(1, rows-1)
	more := 0
	if len(phases) > room {
		more = len(phases) - room + 1
	}
	var lines []string
	for _, p := range phases[:len(phases)-more] {
		lines = append(lines, p.text(now))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return lines
}

// Pause is for [Pause].
func (l *live) Pause() (resume func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.phases {
		l.stays.WriteString(p.unfold(tailAsked)) // the question may be about it
	}
	l.clear()
	l.paused = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.paused = false
		l.draw("")
	}
}

// clear writes what stays, and removes the lines that move from the screen.
func (l *live) clear() {
	phases := l.phases
	l.phases = nil
	l.draw("")
	l.phases = phases
}

// Close removes the lines of what still runs.
func (l *live) Close() error {
	close(l.stop)
	<-l.stopped
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = false
	l.clear()
	l.paused = true
	return nil
}

// liveLine is the line of a phase that runs.
type liveLine struct {
	layout   lineFormat
	event    event.Event
	started  time.Time
	progress progress
	tail     []string // what it said last
}

// say takes a line that the phase said.
func (l *liveLine) say(text string) {
	l.tail = append(l.tail, text)
	l.tail = l.tail[max(0, len(l.tail)-tailKept):]
	if text = strings.TrimSpace(text); text != "" {
		l.event.Text = text
	}
}

// unfold returns the lines that the phase said last, at most so many, once.
func (l *liveLine) unfold(limit int) string {
	var out strings.Builder
	for _, text := range l.tail[max(0, len(l.tail)-limit):] {
		out.WriteString(l.layout.message(event.Event{Build: l.event.Build, Text: text}) + "\n")
	}
	l.tail = nil
	return out.String()
}

// text is the line as it is now.
func (l *liveLine) text(now time.Time) string {
	status, text := "running", l.event.Text
	if room := l.layout.textColumns(); l.progress.known() && room < narrowText {
		status = fmt.Sprintf("%3d%%", l.progress.percent())
	} else if l.progress.known() {
		text = l.running(now, room)
	}
	return l.layout.phase(l.event, status, text, Elapsed(now.Sub(l.started)))
}

// running is how far the phase is: the name of what is worked on, a bar, the amount,
// how fast, and how long the rest takes, as far as there is room.
func (l *liveLine) running(now time.Time, room int) string {
	amount := l.progress.amount()
	if len(amount) > room {
		return fmt.Sprintf("%3d%%", l.progress.percent())
	}
	room -= len(amount) + 1
	left := "           " // its place, so that nothing jumps when it is known
	if d, ok := l.progress.left(now); ok {
		left = "  " + clock(d)
	}
	if len(left) > room {
		left = ""
	}
	room -= len(left)
	name, bar := "", ""
	if l.event.Text != "" && room >= narrowText {
		name = Shorten(l.event.Text, room) + " "
		room -= runewidth.StringWidth(name)
	}
	rate := l.progress.rate(now)
	if needs := len(rate) + 2; rate != "" && room >= needs+shortest {
		rate = "  " + rate
		room -= needs
	} else {
		rate = ""
	}
	if room >= shortest {
		bar = l.progress.bar(min(24, room)) + " "
	}
	return name + bar + amount + rate + left
}
