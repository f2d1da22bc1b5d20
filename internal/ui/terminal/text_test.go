package terminal

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// TestLongPhase holds that a pipe hears of a phase that is silent, less and less
// often, and nothing of one that has ended.
func TestLongPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		s := newText(&out, lineFormat{})
		s.Emit(event.Event{Type: event.PhaseStart, Phase: "boot"})
		time.Sleep(time.Second)
		s.Emit(event.Event{Type: event.PhaseStart, Phase: "fetch"})
		time.Sleep(58 * time.Second)
		s.Emit(event.Event{Type: event.Progress, Phase: "fetch", Done: 50, Total: 100})
		time.Sleep(4 * time.Minute)
		s.Emit(event.Event{Type: event.PhaseEnd, Phase: "boot", Status: event.OK, Elapsed: 299 * time.Second})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		want := `boot          start
fetch         start
fetch         running   50%
boot          running                                                       60 s
boot          running                                                      3m00s
fetch         running                                                      3m00s
boot          ok                                                           4m59s
`
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(out.String(), "\n")); diff != "" {
			t.Error(diff)
		}
	})
}
