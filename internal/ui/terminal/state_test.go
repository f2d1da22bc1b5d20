package terminal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

func TestState(t *testing.T) {
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	s := NewState()
	s.now = func() time.Time { return now }
	for _, step := range []struct {
		after time.Duration
		event event.Event
		want  []string
	}{
		{0, event.Event{Type: event.Progress, Phase: "fetch", Done: 1}, nil},
		{0, event.Event{Type: event.PhaseStart, Phase: "fetch", Text: "disk.raw.zst"}, []string{"fetch, since 0.0 s: disk.raw.zst"}},
		{0, event.Event{Type: event.Progress, Phase: "fetch", Done: 0, Total: 4 << 20, Unit: event.Bytes}, []string{"fetch, since 0.0 s:   0%  0 B/4.0 MiB"}},
		{10 * time.Second, event.Event{Type: event.Progress, Phase: "fetch", Done: 1 << 20, Total: 4 << 20, Unit: event.Bytes}, []string{"fetch, since 10 s:  25%  1.0/4.0 MiB, 0:30 left"}},
		{time.Second, event.Event{Type: event.PhaseStart, Build: "amigo-qemu.a", Phase: "boot"}, []string{"fetch, since 11 s:  25%  1.0/4.0 MiB, 0:33 left", "amigo-qemu.a: boot, since 0.0 s"}},
		{0, event.Event{Type: event.PhaseEnd, Phase: "fetch"}, []string{"amigo-qemu.a: boot, since 0.0 s"}},
	} {
		now = now.Add(step.after)
		s.Emit(step.event)
		if diff := cmp.Diff(step.want, s.Lines()); diff != "" {
			t.Error(diff)
		}
	}
	if err := s.Close(); err != nil || s.Lines() != nil {
		t.Errorf("%v, %v", err, s.Lines())
	}
}
