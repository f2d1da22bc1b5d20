package terminal

import (
	"slices"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// State knows what is going on now. It is a sink.
type State struct {
	mu     sync.Mutex
	now    func() time.Time
	phases []*statePhase // in the order in which they began
}

// statePhase is a phase that runs.
type statePhase struct {
	event    event.Event
	began    time.Time
	progress progress
}

// NewState returns a State in which nothing goes on.
func NewState() *State { return &State{now: time.Now} }

// Emit takes note of an event.
func (s *State) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.phases, func(p *statePhase) bool { return key(p.event) == key(e) })
	switch {
	case e.Type == event.PhaseStart && at < 0:
		s.phases = append(s.phases, &statePhase{event: e, began: s.now()})
	case e.Type == event.PhaseEnd && at >= 0:
		s.phases = slices.Delete(s.phases, at, at+1)
	case e.Type == event.Progress && at >= 0:
		s.phases[at].progress.update(e, s.now())
	}
}

// Lines describes each running phase: its progress, since when it runs, and how
// long the rest takes.
func (s *State) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, p := range s.phases {
		line := p.event.Phase
		if p.event.Build != "" {
			line = p.event.Build + ": " + line
		}
		line += ", since " + Elapsed(s.now().Sub(p.began))
		if p.progress.known() {
			line += ": " + p.progress.amount()
		} else if p.event.Text != "" {
			line += ": " + printable.Line(p.event.Text)
		}
		if left, ok := p.progress.left(s.now()); ok {
			line += ", " + clock(left)
		}
		lines = append(lines, line)
	}
	return lines
}

// Close forgets what was going on.
func (s *State) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phases = nil
	return nil
}
