package terminal

import (
	"cmp"
	"io"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const (
	stepPercent = 25               // between two lines of progress
	stepTime    = 30 * time.Second // at least, too
	silence     = time.Minute      // before a phase without progress says that it goes on; doubled each time
)

// text writes plain lines: no control characters, few lines.
type text struct {
	mu     sync.Mutex
	w      io.Writer
	layout lineFormat
	every  time.Duration // as in [Look]
	times  bool
	now    func() time.Time
	phases map[string]*textPhase
}

// textPhase is a phase that has begun.
type textPhase struct {
	progress progress
	began    time.Time
	alive    *time.Timer // says that it goes on
	told     time.Time   // last line
	step     int         // percent of it
}

func newText(w io.Writer, l lineFormat) *text {
	return &text{w: w, layout: l, now: time.Now, phases: map[string]*textPhase{}}
}

func (t *text) Emit(e event.Event) {
	e = clean(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case event.PhaseStart:
		t.end(key(e))
		t.phases[key(e)] = &textPhase{began: t.now(), told: t.now(), alive: t.goesOn(e, cmp.Or(t.every, silence))}
		t.write(t.layout.phase(e, "start", e.Text, ""))
	case event.PhaseEnd:
		t.end(key(e))
		t.write(t.layout.phase(e, string(e.Status), ended(e), Elapsed(e.Elapsed)))
	case event.Progress:
		t.progress(t.phases[key(e)], e)
	case event.Message, event.Warning:
		t.write(t.layout.message(e))
	case event.Detail: // the log has it
	}
}

func (t *text) progress(p *textPhase, e event.Event) {
	if p == nil {
		return
	}
	now := t.now()
	p.progress.update(e, now)
	step := p.progress.percent() / stepPercent
	if t.every > 0 && now.Sub(p.told) < t.every || t.every == 0 && (step <= p.step || now.Sub(p.told) < stepTime) {
		return
	}
	p.step, p.told = step, now
	rest := ""
	if left, ok := p.progress.left(now); ok {
		rest = "  " + clock(left)
	}
	t.write(t.layout.phase(e, "running", p.progress.amount()+rest, ""))
}

func (t *text) write(line string) {
	if t.times {
		line = t.now().UTC().Format(time.RFC3339) + " " + line
	}
	_, _ = io.WriteString(t.w, line+"\n")
}

// goesOn says of a phase that it goes on, when nothing was said of it for a
// while.
func (t *text) goesOn(e event.Event, wait time.Duration) *time.Timer {
	return time.AfterFunc(wait, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		p := t.phases[key(e)]
		if p == nil {
			return
		}
		if now := t.now(); now.Sub(p.told) >= wait {
			p.told = now
			t.write(t.layout.phase(e, "running", "", Elapsed(now.Sub(p.began))))
		}
		p.alive = t.goesOn(e, cmp.Or(t.every, 2*wait))
	})
}

func (t *text) end(key string) {
	if p := t.phases[key]; p != nil {
		p.alive.Stop()
		delete(t.phases, key)
	}
}

// Close says nothing more: every line is written already.
func (t *text) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.phases {
		t.end(key)
	}
	return nil
}

// ended is the text of a phase's last line. What failed is told once, by the
// error that ends the program.
func ended(e event.Event) string {
	if e.Status == event.Failed {
		return ""
	}
	return e.Text
}
