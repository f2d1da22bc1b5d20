package terminal

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// refresh is how often live lines are drawn.
const refresh = 200 * time.Millisecond

// live shows a line that moves for every phase that runs, below the lines of
// those that have ended.
type live struct {
	mu     sync.Mutex
	out    *os.File
	layout lineFormat
	area   *mpb.Progress
	lines  map[string]*liveLine
}

func newLive(f *os.File, l lineFormat) *live {
	return &live{
		out:    f,
		layout: l,
		area:   mpb.New(mpb.WithOutput(f), mpb.WithRefreshRate(refresh)),
		lines:  map[string]*liveLine{},
	}
}

// liveLine is the line of a phase that runs.
type liveLine struct {
	mu       sync.Mutex
	layout   lineFormat
	event    event.Event
	started  time.Time
	progress progress
	bar      *mpb.Bar
}

func (l *live) Emit(e event.Event) {
	e = clean(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Type {
	case event.PhaseStart:
		l.start(e)
	case event.PhaseEnd:
		l.drop(key(e))
		l.print(l.layout.phase(e, string(e.Status), ended(e), Elapsed(e.Elapsed)))
	case event.Progress:
		if line, ok := l.lines[key(e)]; ok {
			line.update(e)
		}
	case event.Message, event.Warning:
		l.print(l.layout.message(e))
	case event.Detail: // the log has it
	}
}

func (l *live) start(e event.Event) {
	l.drop(key(e))
	line := &liveLine{layout: l.layout, event: e, started: time.Now()}
	line.bar = l.area.MustAdd(0, mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		l.home()
		_, err := io.WriteString(w, line.text(time.Now()))
		return err
	}), mpb.BarFillerTrim())
	l.lines[key(e)] = line
}

func (l *live) drop(key string) {
	line, ok := l.lines[key]
	if !ok {
		return
	}
	delete(l.lines, key)
	line.bar.Abort(true)
	line.bar.Wait()
}

func (l *live) print(line string) {
	l.home()
	_, _ = io.WriteString(l.area, line+"\n")
}

// home moves the cursor to the first column. What is typed, such as ^C, is shown
// where the cursor is, and lines are cleared from there.
func (l *live) home() { _, _ = io.WriteString(l.out, "\r") }

// Close removes the lines of what still runs.
func (l *live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.lines {
		l.drop(key)
	}
	l.area.Shutdown()
	return nil
}

func (l *liveLine) update(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.update(e, time.Now())
}

// text is the line as it is now.
func (l *liveLine) text(now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	elapsed := Elapsed(now.Sub(l.started))
	if !l.progress.known() {
		return l.layout.phase(l.event, "running", l.event.Text, elapsed)
	}
	if left, ok := l.progress.left(now); ok {
		elapsed = clock(left)
	}
	return l.layout.phase(l.event, "running", l.running(now), elapsed)
}

// running is the name of what is worked on, its progress and how fast, and a bar
// in the columns that are left.
func (l *liveLine) running(now time.Time) string {
	amount, name := l.progress.amount(), l.event.Text
	room := l.layout.textColumns() - len(amount) - 2
	columns := runewidth.StringWidth(name)
	rate := l.progress.rate(now)
	if with := room - len(rate) - 2; rate != "" && (columns <= with || columns > room) {
		amount, room = amount+"  "+rate, with
	}
	if name != "" {
		name = fit(name, min(room, columns)) + " "
	}
	if bar := l.progress.bar(min(24, room-runewidth.StringWidth(name))); bar != "" {
		name += bar + " "
	}
	return name + amount
}
