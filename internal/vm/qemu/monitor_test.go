package qemu

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

type object = map[string]any

const greeting = `{"QMP": {"version": {}, "capabilities": []}}` + "\n"

// A command without an answer fails by itself; the next one gets its own answer
// and not the late one.
func TestMonitorAfterSilence(t *testing.T) {
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
		m, err := newMonitor(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		if err := m.execute(t.Context(), "slow", nil, nil); !errors.Is(err, errNoAnswer) {
			t.Errorf("silence: %v", err)
		}
		var got string
		if err := m.execute(t.Context(), "query", nil, &got); err != nil || got != "mine" {
			t.Errorf("%q, %v", got, err)
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.execute(stopped, "slow", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	})
}

func TestMonitorWithoutGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errNoMonitor)
		defer cancel()
		if _, err := newMonitor(ctx, fakeQEMU(t, "", nil)); !errors.Is(err, errNoMonitor) {
			t.Error(err)
		}
	})
}

func TestMonitorOfADeadQEMU(t *testing.T) {
	conn := fakeQEMU(t, greeting, func(command string, id int) []any {
		if command == "qmp_capabilities" {
			return []any{object{"id": id, "return": object{}}}
		}
		return []any{object{"id": id, "error": object{"class": "GenericError", "desc": "it failed"}}}
	})
	m, err := newMonitor(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.execute(t.Context(), "query", nil, nil); err == nil || err.Error() != "qmp query: GenericError: it failed" {
		t.Error(err)
	}
	m.close()
	if err := m.execute(t.Context(), "query", nil, nil); err == nil {
		t.Error("a closed monitor answers")
	}
}
