package deliver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// brake stops a run at the very beginning of a phase.
type brake struct {
	at   string
	stop func()
}

func (b brake) Emit(e event.Event) {
	if e.Type == event.PhaseStart && e.Phase == b.at {
		b.stop()
	}
}

// TestStoppedInAnyPhase: where the reason is said and nothing stays, whatever
// was being done. A machine that is tested is stopped in [TestStopped]; that a
// killed run leaves nothing for good is in the tests of package outdir.
func TestStoppedInAnyPhase(t *testing.T) {
	for _, phase := range []string{"compact", "check", boottest.Phase, "describe"} {
		t.Run(phase, func(t *testing.T) {
			out, source := newOut(t), blank(t)
			ctx, stop := context.WithCancelCause(t.Context())
			reason := errors.New("Ctrl-C")
			sink := brake{at: phase, stop: func() { stop(reason) }}
			o := order(source, time.Minute)
			var err error
			if phase == "describe" {
				passTest(t, o, out.Path())
				_, err = o.finish(ctx, out, boottest.Report{}, sink)
			} else {
				_, err = Run(ctx, o, out, sink)
			}
			if !errors.Is(err, reason) {
				t.Errorf("got %v", err)
			}
			if err := out.Discard(); err != nil {
				t.Fatal(err)
			}
			if names := siblings(t, out); len(names) != 0 {
				t.Errorf("there is %q", names)
			}
		})
	}
}

// passTest leaves in dir what a passed boot test does.
func passTest(t *testing.T, o Order, dir string) {
	t.Helper()
	err := errors.Join(
		os.Rename(o.Source, filepath.Join(dir, o.Name+".qcow2")),
		os.MkdirAll(filepath.Join(dir, EvidenceDir), 0o755),
		os.WriteFile(filepath.Join(dir, EvidenceDir, boottest.ReportName), nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
}
