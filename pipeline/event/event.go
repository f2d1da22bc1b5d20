// Package event is the one stream in which the engine tells what it does.
// Producers emit plain values; only sinks know about terminals, files or
// Packer.
package event

import "time"

// Type tells what an [Event] means.
type Type string

// The types of events.
const (
	PhaseStart Type = "phase-start" // Phase began, Elapsed ago
	PhaseEnd   Type = "phase-end"   // Phase ended; Status and Elapsed are set
	Progress   Type = "progress"    // Done of Total units of Phase are there
	Message    Type = "message"     // one line for a person
	Detail     Type = "detail"      // one line for the log: a tool's own output
	Warning    Type = "warning"     // one line a person should not miss
)

// Status is how a phase ended.
type Status string

// The ways a phase ends.
const (
	OK     Status = "ok"
	Cached Status = "cached" // the result was there already
	Failed Status = "failed"
)

// Event is one thing that happened.
type Event struct {
	Type    Type          `json:"type"`
	Build   string        `json:"build,omitempty"` // name of the build in the template
	Phase   string        `json:"phase,omitempty"` // short, stable: "base", "boot", "amigo"
	Status  Status        `json:"status,omitempty"`
	Text    string        `json:"text,omitempty"`
	Done    int64         `json:"done,omitempty"`  // bytes or permille, as Unit says
	Total   int64         `json:"total,omitempty"` // 0: unknown
	Unit    Unit          `json:"unit,omitempty"`
	Elapsed time.Duration `json:"elapsed,omitempty"` // nanoseconds; at its start, how long Phase has been running already
}

// Unit is what Done and Total of a [Progress] count.
type Unit string

// The units of progress.
const (
	Bytes    Unit = "bytes"
	Permille Unit = "permille"
)

// Sink takes events. Implementations must be safe for concurrent use.
type Sink interface {
	Emit(Event)
}

// Discard is a sink that forgets everything.
var Discard Sink = discard{}

type discard struct{}

func (discard) Emit(Event) {}

// Phase is a piece of work with a name, a beginning and an end.
type Phase struct {
	sink  Sink
	name  string
	start time.Time
}

// Start emits the beginning of phase name and returns it. Every phase must be
// ended with [Phase.End].
func Start(sink Sink, name, text string) *Phase {
	sink.Emit(Event{Type: PhaseStart, Phase: name, Text: text})
	return &Phase{sink: sink, name: name, start: time.Now()}
}

// Progress reports that done of total units are there.
func (p *Phase) Progress(done, total int64, unit Unit) {
	p.sink.Emit(Event{Type: Progress, Phase: p.name, Done: done, Total: total, Unit: unit})
}

// Say emits a line for a person.
func (p *Phase) Say(text string) {
	p.sink.Emit(Event{Type: Message, Phase: p.name, Text: text})
}

// Detail emits a line for the log.
func (p *Phase) Detail(text string) {
	p.sink.Emit(Event{Type: Detail, Phase: p.name, Text: text})
}

// End emits the end of the phase: [Failed] if err is set, else status. It
// returns err, so that it can close a function.
func (p *Phase) End(status Status, text string, err error) error {
	if err != nil {
		status, text = Failed, err.Error()
	}
	p.sink.Emit(Event{
		Type: PhaseEnd, Phase: p.name, Status: status, Text: text,
		Elapsed: time.Since(p.start),
	})
	return err
}
