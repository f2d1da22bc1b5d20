package terminal

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal/terminaltest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestLive shows a build on a terminal: a line that moves, then the lines that
// stay.
func TestLive(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	tty := terminaltest.Open(t, 70)
	s := Open(tty.Program, Look{Colour: Auto})
	if _, ok := s.(*live); !ok {
		t.Fatalf("a terminal gets %T", s)
	}
	for _, e := range build {
		s.Emit(e.event)
		if e.event.Type == event.Progress {
			time.Sleep(refresh / 2)
			_, _ = tty.Person.WriteString("x") // somebody types
			time.Sleep(3 * refresh / 2)
		}
	}
	s.Emit(event.Event{Type: event.PhaseStart, Phase: "never ends"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text := tty.Shown()
	for _, want := range []string{
		"base          cached   debian 12, 250 packages                  0.1 s\r\n",
		"boot          ok       guest answers ssh                         71 s\r\n",
		"distribution  failed                                            4m02s\r\n",
		`  the guest answers ssh\x07` + "\r\n",
		" 50%  1.0/2.0 GiB",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the terminal never showed %q in\n%q", want, text)
		}
	}
	if torn := regexp.MustCompile(`[^\r\n]\x1b\[\d+A`).FindString(text); torn != "" {
		t.Errorf("lines are cleared from where something was typed: %q", torn)
	}
	if strings.Contains(text, "Linux version") {
		t.Error("the terminal showed a detail")
	}
}

// TestLiveFolds: what a phase says is in its line while it runs, and stays if it fails or
// is a warning, or if everything is to stay. Nothing is written while somebody is asked.
func TestLiveFolds(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for fold, count := range map[bool]int{true: 5, false: 7} {
		tty := terminaltest.Open(t, 80)
		s, ok := Open(tty.Program, Look{Colour: Never, Builds: true, Fold: fold}).(*live)
		if !ok {
			t.Fatal("not live")
		}
		for _, e := range []event.Event{
			{Type: event.PhaseStart, Phase: "good"},
			{Type: event.Message, Phase: "good", Text: "said of good"},
			{Type: event.Message, Phase: "good", Text: "said again"},
			{Type: event.PhaseEnd, Phase: "good", Status: event.OK},
			{Type: event.PhaseStart, Phase: "bad"},
			{Type: event.Message, Phase: "bad", Text: "said of bad"},
			{Type: event.Warning, Phase: "bad", Text: "said to warn"},
			{Type: event.PhaseEnd, Phase: "bad", Status: event.Failed, Text: "no"},
		} {
			e.Build = "null.a"
			s.Emit(e)
		}
		s.Emit(event.Event{Type: event.PhaseStart, Build: "null.a", Phase: "breakpoint"})
		s.Emit(event.Event{Type: event.Message, Build: "null.a", Phase: "breakpoint", Text: "said before the question"})
		resume := s.Pause()
		_, _ = tty.Program.WriteString("a question? \n")
		s.Emit(event.Event{Type: event.Message, Build: "null.b", Text: "said meanwhile"})
		s.Emit(event.Event{Type: event.Message, Text: "said of Ctrl-C"})
		if n, _ := tty.Program.WriteString("an answer\n"); n == 0 {
			t.Error("the terminal takes nothing")
		}
		resume()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		text := tty.Shown()
		stays := regexp.MustCompile(`(?m)(?:^|[\rAJ])  (?:null.[ab]: )?(?:warning: )?said .*$`).FindAllString(text, -1)
		if len(stays) != count {
			t.Errorf("fold %v: %d lines stay: %q\n%q", fold, len(stays), stays, text)
		}
		if !regexp.MustCompile(`(?s)a question.*said of Ctrl-C.*an answer.*said meanwhile`).MatchString(text) {
			t.Errorf("what comes while somebody is asked: %q", text)
		}
	}
}

// TestLiveLine holds what fits into 80 columns: the name, the progress, how long the rest
// takes and how long it has taken, and a bar in what is left.
func TestLiveLine(t *testing.T) {
	began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"":           "fetch         running  [======>        ]  45%  167/370 MiB  0:25 left      20 s",
		"2026-11-22": "fetch         running  2026-11-22  45%  167/370 MiB  0:25 left             20 s",
		"a name of a version that is longer than there is room": "fetch         running  a name of a ver..  45%  167/370 MiB  0:25 left      20 s",
	} {
		l := &liveLine{layout: lineFormat{width: func() int { return 80 }}, started: began, event: event.Event{Phase: "fetch", Text: name}}
		l.progress.update(event.Event{Done: 1 << 20, Total: 370 << 20, Unit: event.Bytes}, began)
		l.progress.update(event.Event{Done: 333 << 19, Total: 370 << 20, Unit: event.Bytes}, began.Add(20*time.Second))
		if diff := cmp.Diff(want, l.text(began.Add(20*time.Second))); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestDumbTerminalGetsPlainLines(t *testing.T) {
	t.Setenv("TERM", "dumb")
	if s, ok := Open(terminaltest.Open(t, 80).Program, Look{Colour: Auto}).(*text); !ok || s.layout.colour {
		t.Errorf("a dumb terminal gets %T", s)
	}
}
