package terminal

import (
	"encoding/json"
	"io"
	"math"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// JSON writes one object a line, whose first member is its type.
type JSON struct {
	mu      sync.Mutex
	encoder *json.Encoder
	pause   time.Duration // between two lines of progress of a phase, at least
	since   map[string]*progress
	told    map[string]time.Time
}

// NewJSON returns a sink that writes to w, such as a [Printer.Document].
func NewJSON(w io.Writer) *JSON {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &JSON{encoder: encoder, pause: time.Second, since: map[string]*progress{}, told: map[string]time.Time{}}
}

// Every sets how long to wait between two lines of progress of a phase.
func (j *JSON) Every(pause time.Duration) { j.pause = pause }

// jsonEvent is an event as it is written. New members may come.
type jsonEvent struct {
	Type    event.Type   `json:"type"`
	Build   string       `json:"build,omitempty"`
	Phase   string       `json:"phase,omitempty"`
	Status  event.Status `json:"status,omitempty"`
	Text    string       `json:"text,omitempty"`
	Done    int64        `json:"done,omitempty"`
	Total   int64        `json:"total,omitempty"`
	Unit    event.Unit   `json:"unit,omitempty"`
	ETA     *int         `json:"eta_s,omitempty"`
	Seconds *float64     `json:"seconds,omitempty"`
}

// Emit writes everything but the output of tools.
func (j *JSON) Emit(e event.Event) {
	if e.Type == event.Detail {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	out := jsonEvent{
		Type: e.Type, Build: e.Build, Phase: e.Phase, Status: e.Status,
		Text: e.Text, Done: e.Done, Total: e.Total, Unit: e.Unit,
	}
	switch e.Type {
	case event.Progress:
		out.ETA = j.eta(e)
		if !j.due(e) {
			return
		}
	case event.PhaseEnd:
		seconds := math.Round(e.Elapsed.Seconds()*10) / 10
		out.Seconds = &seconds
		delete(j.since, key(e))
		delete(j.told, key(e))
	default:
	}
	_ = j.encoder.Encode(out)
}

func (j *JSON) eta(e event.Event) *int {
	p, ok := j.since[key(e)]
	if !ok {
		p = &progress{}
		j.since[key(e)] = p
	}
	now := time.Now()
	p.update(e, now)
	left, ok := p.left(now)
	if !ok {
		return nil
	}
	seconds := int(left.Seconds() + 0.5)
	return &seconds
}

// due tells whether a line of progress is to be written now.
func (j *JSON) due(e event.Event) bool {
	now := time.Now()
	if now.Sub(j.told[key(e)]) < j.pause && e.Done < e.Total {
		return false
	}
	j.told[key(e)] = now
	return true
}

// Object writes an object of the caller's, such as a result.
func (j *JSON) Object(v any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.encoder.Encode(v)
}

// Close does nothing.
func (j *JSON) Close() error { return nil }
