package event

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type record struct{ events []Event }

func (r *record) Emit(e Event) { r.events = append(r.events, e) }

func TestPhase(t *testing.T) {
	r := new(record)
	broken := errors.New("broken")
	if err := Start(r, "boot", "tcg").End(OK, "unused", broken); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	end := r.events[1]
	if end.Type != PhaseEnd || end.Status != Failed || end.Text != "broken" {
		t.Errorf("got %+v", end)
	}
}

func TestLines(t *testing.T) {
	var got []string
	l := NewLines(func(line string) { got = append(got, line) })
	for _, part := range []string{"on", "e\ntwo\r", "\n\nthr", "ee"} {
		if _, err := l.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	_ = l.Close()
	if diff := cmp.Diff([]string{"one", "two", "three"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLineWithoutEndIsBounded(t *testing.T) {
	lines, all := 0, ""
	l := NewLines(func(line string) {
		lines++
		all += line
		if len(line) > maxLine {
			t.Errorf("a line has %d bytes", len(line))
		}
	})
	long := strings.Repeat("0123456789", maxLine)
	if _, err := l.Write([]byte(long)); err != nil {
		t.Fatal(err)
	}
	if lines < 9 {
		t.Errorf("only %d lines were handed on", lines)
	}
	if _ = l.Close(); all != long {
		t.Errorf("of %d bytes %d were handed on", len(long), len(all))
	}
}

func TestTailKeepsTheLast(t *testing.T) {
	tail := NewTail(2)
	_, _ = tail.Write([]byte("one\ntwo\nthree\nunfinished"))
	if got := tail.String(); got != "three\nunfinished" {
		t.Errorf("got %q", got)
	}
}
