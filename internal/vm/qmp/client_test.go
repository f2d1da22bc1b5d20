package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// fakeQEMU is the other end of a monitor. answer returns what is sent back, or
// nil for silence.
func fakeQEMU(t *testing.T, greeting string, answer func(command string, id int) []any) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close() })
	go func() {
		if _, err := io.WriteString(theirs, greeting); err != nil {
			return
		}
		decoder, encoder := json.NewDecoder(theirs), json.NewEncoder(theirs)
		for {
			var request struct {
				Execute string `json:"execute"`
				ID      int    `json:"id"`
			}
			if decoder.Decode(&request) != nil {
				return
			}
			for _, message := range answer(request.Execute, request.ID) {
				if encoder.Encode(message) != nil {
					return
				}
			}
		}
	}()
	return ours
}

func ignore(Event) {}

type object = map[string]any

const greeting = `{"QMP": {"version": {}, "capabilities": []}}` + "\n"

// A command without an answer fails by itself; the next one gets its own answer
// and not the late one.
func TestClientAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		conn := fakeQEMU(t, greeting, func(command string, id int) []any {
			switch command {
			case "slow":
				asked = id
				return nil
			case "query":
				return []any{object{"event": "RESUME"}, object{"id": asked, "return": "late"}, object{"id": id, "return": "mine"}}
			default:
				return []any{object{"id": id, "return": object{}}}
			}
		})
		c, err := newClient(t.Context(), conn, ignore)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Execute(t.Context(), "slow", nil, nil); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("silence: %v", err)
		}
		var got string
		if err := c.Execute(t.Context(), "query", nil, &got); err != nil || got != "mine" {
			t.Errorf("%q, %v", got, err)
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Execute(stopped, "slow", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	})
}

func TestClientWithoutGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, ErrNoMonitor)
		defer cancel()
		if _, err := newClient(ctx, fakeQEMU(t, "", nil), ignore); !errors.Is(err, ErrNoMonitor) {
			t.Error(err)
		}
	})
}

func TestClientOfADeadQEMU(t *testing.T) {
	conn := fakeQEMU(t, greeting, func(command string, id int) []any {
		if command == "qmp_capabilities" {
			return []any{object{"id": id, "return": object{}}}
		}
		return []any{object{"id": id, "error": object{"class": "GenericError", "desc": "it failed"}}}
	})
	c, err := newClient(t.Context(), conn, ignore)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Execute(t.Context(), "query", nil, nil); err == nil || err.Error() != "qmp query: GenericError: it failed" {
		t.Error(err)
	}
	c.Close()
	if err := c.Execute(t.Context(), "query", nil, nil); err == nil {
		t.Error("a closed monitor answers")
	}
}

// TestEvents: they come in their order, and between a command and its answer, too.
func TestEvents(t *testing.T) {
	conn := fakeQEMU(t, greeting, func(_ string, id int) []any {
		return []any{
			object{"event": "STOP"}, object{"id": id, "return": object{}},
			object{"event": "SHUTDOWN", "data": object{"guest": true, "reason": "guest-shutdown"}},
		}
	})
	events := make(chan Event, 10)
	c, err := newClient(t.Context(), conn, func(e Event) { events <- e })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if e := <-events; e.Name != "STOP" || e.Data != nil {
		t.Errorf("%+v", e)
	}
	var told struct{ Reason string }
	e := <-events
	if e.Read(&told); e.Name != "SHUTDOWN" || told.Reason != "guest-shutdown" {
		t.Errorf("%+v: %+v", e, told)
	}
}

// FuzzClient: whatever comes, a command ends.
func FuzzClient(f *testing.F) {
	f.Add([]byte(`{"id": 1, "return": {}}`))
	f.Add([]byte(`{"event": "STOP", "data": [1]}{"id": "x"}`))
	f.Add([]byte("[]\x00"))
	f.Fuzz(func(_ *testing.T, content []byte) {
		ours, theirs := net.Pipe()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			_, _ = io.WriteString(theirs, greeting)
			_, _ = theirs.Write(content)
			_ = theirs.Close()
		}()
		if c, err := newClient(context.Background(), ours, func(e Event) { e.Read(&struct{ Reason string }{}) }); err == nil {
			c.Close()
		}
	})
}
