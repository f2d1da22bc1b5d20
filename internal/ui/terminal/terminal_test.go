package terminal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update rewrites it:\n%s", path, diff)
	}
}

const gi = 1 << 30

// build is what a build emits, each event with the seconds that pass before it.
var build = []struct {
	after int
	event event.Event
}{
	{0, event.Event{Type: event.PhaseStart, Phase: "base", Text: "debian bookworm"}},
	{1, event.Event{Type: event.PhaseEnd, Phase: "base", Status: event.Cached, Text: "debian 12, 250 packages", Elapsed: 123 * time.Millisecond}},
	{0, event.Event{Type: event.PhaseStart, Phase: "boot"}},
	{0, event.Event{Type: event.Detail, Phase: "boot", Text: "[    0.000000] Linux version 6.1"}},
	{70, event.Event{Type: event.Message, Phase: "boot", Text: "the guest answers\x1b[31m ssh\x07"}},
	{0, event.Event{Type: event.Warning, Phase: "boot", Text: "no acceleration"}},
	{1, event.Event{Type: event.PhaseEnd, Phase: "boot", Status: event.OK, Text: "guest answers ssh", Elapsed: 71 * time.Second}},
	{0, event.Event{Type: event.PhaseStart, Phase: "distribution", Text: "compact"}},
	{0, event.Event{Type: event.Progress, Phase: "distribution", Done: 0, Total: 2 * gi, Unit: event.Bytes}},
	{9, event.Event{Type: event.Progress, Phase: "distribution", Done: gi / 2, Total: 2 * gi, Unit: event.Bytes}},
	{21, event.Event{Type: event.Progress, Phase: "distribution", Done: gi, Total: 2 * gi, Unit: event.Bytes}},
	{1, event.Event{Type: event.Progress, Phase: "distribution", Done: gi + gi/2, Total: 2 * gi, Unit: event.Bytes}},
	{31, event.Event{Type: event.Progress, Phase: "distribution", Done: 2 * gi, Total: 2 * gi, Unit: event.Bytes}},
	{0, event.Event{Type: event.PhaseEnd, Phase: "distribution", Status: event.Failed, Text: "disk full", Elapsed: 242 * time.Second}},
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	s := newText(&b, lineFormat{})
	now := time.Unix(0, 0)
	s.now = func() time.Time { return now }
	for _, e := range build {
		now = now.Add(time.Duration(e.after) * time.Second)
		s.Emit(e.event)
	}
	golden(t, "text.golden", b.String())
	for _, r := range b.String() {
		if r < ' ' && r != '\n' {
			t.Errorf("control character %q in plain text", r)
		}
	}
}

// TestTextEvery: somebody wants to hear more often.
func TestTextEvery(t *testing.T) {
	var b bytes.Buffer
	s := newText(&b, lineFormat{})
	now := time.Unix(0, 0)
	s.now, s.every = func() time.Time { return now }, 10*time.Second
	s.Emit(event.Event{Type: event.PhaseStart, Phase: "fetch"})
	for done := range int64(60) {
		now = now.Add(time.Second)
		s.Emit(event.Event{Type: event.Progress, Phase: "fetch", Done: done, Total: 1000, Unit: event.Bytes})
	}
	if lines := strings.Count(b.String(), "\n"); lines != 7 {
		t.Errorf("%d lines\n%s", lines, b.String())
	}
}

func TestTextWithTimes(t *testing.T) {
	var b strings.Builder
	s := newText(&b, lineFormat{})
	s.times, s.now = true, func() time.Time { return time.Date(2026, 11, 22, 3, 0, 1, 0, time.FixedZone("CET", 3600)) }
	s.Emit(event.Event{Type: event.Message, Text: "hello"})
	if got, want := b.String(), "2026-11-22T02:00:01Z   hello\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTextOfSeveralBuilds(t *testing.T) {
	var b bytes.Buffer
	s := newText(&b, lineFormat{builds: true, colour: true})
	for _, e := range build[:6] {
		e.event.Build = "amigo-qemu.amigo"
		s.Emit(e.event)
	}
	golden(t, "builds.golden", b.String())
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	s := NewJSON(&b)
	for _, e := range build {
		s.Emit(e.event)
	}
	golden(t, "json.golden", b.String())
}

func TestPhaseFitsItsWidth(t *testing.T) {
	e := event.Event{Phase: "a-very-long-phase", Build: "a build with a long name", Text: strings.Repeat("ä世界 ", 40)}
	for _, builds := range []bool{false, true} {
		for width := 20; width < 240; width++ {
			l := lineFormat{width: func() int { return width }, builds: builds}
			line := l.phase(e, "running", e.Text, "1m02s")
			if got := runewidth.StringWidth(line); got >= width {
				t.Errorf("width %d: %d columns: %q", width, got, line)
			}
		}
	}
}

func TestLogHasEverything(t *testing.T) {
	dir := t.TempDir()
	for i := range logsKept + 6 {
		what := "build"
		if i == 0 {
			what = "nightly" // which stays, however many builds follow
		}
		l, err := OpenLog(dir, what)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range build {
			l.Emit(e.event)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(l.Path())
		if err != nil || !strings.Contains(string(text), "boot detail [    0.000000] Linux") {
			t.Fatalf("%v: %s", err, text)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) != logsKept+1 {
		t.Errorf("%d logs are kept, want %d (%v)", len(logs), logsKept+1, err)
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0 s", 9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s", 71 * time.Second: "71 s",
		99500 * time.Millisecond: "1m40s", 242 * time.Second: "4m02s", 3 * time.Hour: "180m00s",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("Elapsed(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestColour(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	for text, want := range map[string]bool{"auto": false, "always": true, "never": false, "false": false, "true": false} {
		var c Colour
		if err := c.Set(text); err != nil || c.Coloured(null) != want {
			t.Errorf("colour %q in a file: %v, %v", text, c.Coloured(null), err)
		}
	}
	var c Colour
	if c.Set("sometimes") == nil {
		t.Error("colour sometimes is taken")
	}
}
