package component

import (
	"bytes"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestSink: what Packer's users read of each event.
func TestSink(t *testing.T) {
	took := 1234 * time.Millisecond
	for name, c := range map[string]struct {
		event     event.Event
		say, fail string
	}{
		"a phase":            {event.Event{Type: event.PhaseStart, Phase: "boot"}, "boot...\n", ""},
		"a phase of things":  {event.Event{Type: event.PhaseStart, Phase: "boot", Text: "tcg"}, "boot: tcg\n", ""},
		"its end":            {event.Event{Type: event.PhaseEnd, Phase: "boot", Status: event.OK, Elapsed: took}, "boot: ok (1.2s)\n", ""},
		"its end in words":   {event.Event{Type: event.PhaseEnd, Phase: "base", Status: event.Cached, Text: "9 packages", Elapsed: took}, "base: cached 9 packages (1.2s)\n", ""},
		"its failure":        {event.Event{Type: event.PhaseEnd, Phase: "boot", Status: event.Failed, Text: "it died"}, "", ""},
		"a message":          {event.Event{Type: event.Message, Text: "the machine is sealed"}, "the machine is sealed\n", ""},
		"a secret":           {event.Event{Type: event.Message, Text: "from https://bob:s3cret@example.org/disk?sig=s3cret"}, "from https://example.org/disk?sig=…\n", ""},
		"a warning":          {event.Event{Type: event.Warning, Text: "the guest is emulated"}, "", "warning: the guest is emulated\n"},
		"a line for the log": {event.Event{Type: event.Detail, Text: "Unpacking perl"}, "", ""},
		"progress":           {event.Event{Type: event.Progress, Phase: "disk", Done: 1, Total: 2}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var said, failed bytes.Buffer
			Sink(&packersdk.BasicUi{Writer: &said, ErrorWriter: &failed}).Emit(c.event)
			if said.String() != c.say || failed.String() != c.fail {
				t.Errorf("said %q, failed %q", said.String(), failed.String())
			}
		})
	}
}

// screen is a user interface that shows events itself, as amigo-image's does.
type screen struct {
	packersdk.BasicUi
	events []event.Event
}

func (s *screen) Emit(e event.Event) { s.events = append(s.events, e) }

// TestSinkOfItsOwn: who can show events gets them whole.
func TestSinkOfItsOwn(t *testing.T) {
	s := new(screen)
	e := event.Event{Type: event.Progress, Phase: "disk", Done: 1, Total: 2}
	Sink(s).Emit(e)
	if len(s.events) != 1 || s.events[0] != e {
		t.Errorf("got %+v", s.events)
	}
}
