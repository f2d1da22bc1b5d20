package terminal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// fourBuilds are phases of four builds after 90 seconds: with progress, with a message
// that does what it can to a terminal, and with long names.
func fourBuilds(l lineFormat, now time.Time) []*liveLine {
	phase := func(build, name string, since time.Duration) *liveLine {
		return &liveLine{layout: l, event: event.Event{Build: build, Phase: name}, started: now.Add(-since)}
	}
	boot, fetch := phase("amigo-qemu.amigo", "boot", 9*time.Second), phase("amigo-qemu.amigo", "fetch", 21*time.Second)
	fetch.event.Text = "golr-index-contents.tgz"
	fetch.progress.update(event.Event{Done: 0, Total: 370 << 20, Unit: event.Bytes}, now.Add(-20*time.Second))
	fetch.progress.update(event.Event{Done: 333 << 19, Total: 370 << 20, Unit: event.Bytes}, now)
	wild := phase("null.世界世界世界世界世界世界世界世界世界世界", "shell-local", 75*time.Second)
	wild.say(clean(event.Event{Text: "\x1b[31mred\x1b[0m\x1b[2J\ttab \u202e 世界世界世界世界世界"}).Text)
	permille := phase("null.a_name_that_is_much_longer_than_there_is_room", "a-phase-with-a-long-name-too", 242*time.Second)
	permille.progress.update(event.Event{Done: 120, Total: 1000, Unit: event.Permille}, now)
	return []*liveLine{boot, fetch, wild, permille}
}

// TestRunning shows what moves on terminals of several sizes: no line is wider.
func TestRunning(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var out strings.Builder
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 24}, {200, 24}, {80, 4}, {80, 1}} {
		for _, builds := range []bool{true, false} {
			l := lineFormat{width: func() int { return size.columns }, builds: builds}
			lines := running(fourBuilds(l, now), now, size.rows)
			fmt.Fprintf(&out, "--- %d columns, %d rows, builds: %v\n%s\n", size.columns, size.rows, builds, strings.Join(lines, "\n"))
			if len(lines) > max(1, size.rows-1) {
				t.Errorf("%d lines on %d rows", len(lines), size.rows)
			}
			for _, line := range lines {
				if wide := runewidth.StringWidth(line); wide >= size.columns {
					t.Errorf("%d of %d columns: %q", wide, size.columns, line)
				}
			}
		}
	}
	golden(t, "running.golden", out.String())
}

// TestReflowed counts the rows that lines take once a terminal is narrower.
func TestReflowed(t *testing.T) {
	lines := []string{strings.Repeat("x", 40), strings.Repeat("x", 41), strings.Repeat("x", 79), "\x1b[31m" + strings.Repeat("界", 20) + "\x1b[0m", ""}
	for columns, want := range map[int]int{80: 0, 40: 2, 20: 1 + 2 + 3 + 1} {
		if got := reflowed(lines, columns); got != want {
			t.Errorf("%d columns: %d more rows, want %d", columns, got, want)
		}
	}
}
