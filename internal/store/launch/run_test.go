package launch

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Parts of boot sectors, in the machine code of real mode.
const (
	listen   = "\xba\x02\x06\xb8\x00\x01\xef"                        // out 0x602, ax: the power button is wanted
	say      = "\xba\xf8\x03\xb0u\xee\xb0p\xee\xb0\n\xee"            // out 0x3f8, al: "up" on the serial console
	await    = "\xba\x00\x06\xed\xf6\xc4\x01\x74\xfa"                // in ax, 0x600, until the button is pressed
	powerOff = "\xba\x04\x06\xb8\x00\x20\xef\xf4"                    // out 0x604, ax: ACPI's S5
	patient  = "\xfa" + listen + say + await + powerOff + "\xeb\xfd" // waits for the power button, and obeys
	hasty    = "\xfa" + say + powerOff + "\xeb\xfd"                  // is off at once
)

// create makes a machine whose whole system is a boot sector.
func create(t *testing.T, store imagestore.Store, code string) *imagestore.Held {
	t.Helper()
	sector := make([]byte, 1<<20)
	copy(sector, code)
	copy(sector[510:], "\x55\xaa")
	disk := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(disk, sector, 0o644); err != nil {
		t.Fatal(err)
	}
	m := imagestore.Machine{Name: "stable", Variant: Production, ID: "i-1", Backing: disk, BackingFormat: "raw"}
	held, err := store.Create(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func settings(t *testing.T) Settings {
	t.Helper()
	return Settings{MemoryMiB: 64, CPUs: 1, Console: filepath.Join(t.TempDir(), "console"), Keys: []string{"ssh-ed25519 USER me"}}
}

// watcher is a sink that keeps how phases ended, and calls back when one begins.
type watcher struct {
	mu    sync.Mutex
	ended map[string]event.Event
	begun func(phase string)
}

func (w *watcher) Emit(e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Type == event.PhaseStart && w.begun != nil {
		w.begun(e.Phase)
	}
	if e.Type == event.PhaseEnd {
		if w.ended == nil {
			w.ended = map[string]event.Event{}
		}
		w.ended[e.Phase] = e
	}
}

var errStopped = errors.New("stopped by hand")

// TestRunOfALateMachine runs a machine that is on but serves nothing: it is told
// of, stays on, and shuts down in good order when it is told to.
func TestRunOfALateMachine(t *testing.T) {
	store := imagestore.At(t.TempDir())
	held, s, sink := create(t, store, patient), settings(t), new(watcher)
	s.Timeout = time.Second
	ctx, stop := context.WithCancelCause(t.Context())
	var late *LateError
	err := Run(ctx, held, s, cache.At(t.TempDir()), sink, Told{
		Ready: func(imagestore.Machine) { t.Error("it is ready") },
		Late: func(m imagestore.Machine, e *LateError) {
			late = e
			if seen, err := store.Machine(t.Context(), "stable"); err != nil || seen.State != imagestore.Degraded || seen.URL != m.URL {
				t.Errorf("others see %+v, %v", seen, err)
			}
			for LastLine(s.Console) != "up" { // else it would not hear the button
				time.Sleep(50 * time.Millisecond)
			}
			stop(errStopped)
		},
	})
	if !errors.Is(err, errStopped) {
		t.Errorf("%v", err)
	}
	if late == nil || late.SSH || late.Page || late.Machine != "stable" || late.Phase != PhaseAmiGO {
		t.Errorf("%+v", late)
	}
	if end := sink.ended[PhaseShutdown]; end.Status != event.OK || end.Text != "clean" {
		t.Errorf("it was shut down so: %+v", end)
	}
	if held.State != imagestore.Stopping || held.Port == 0 || held.SSHPort == 0 || held.Port == held.SSHPort || held.PID != os.Getpid() || held.Accelerator == "" {
		t.Errorf("it is written down as %+v", held.Machine)
	}
	seed, err := os.ReadFile(held.Path(imagestore.SeedFile))
	if err != nil || !bytes.Contains(seed, []byte("ssh-ed25519 USER me")) {
		t.Errorf("the user's key is not in the seed: %v", err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRunOfAMachineThatEnds: how far it came is told at once, not when the time
// is over.
func TestRunOfAMachineThatEnds(t *testing.T) {
	held, s := create(t, imagestore.At(t.TempDir()), hasty), settings(t)
	err := Run(t.Context(), held, s, cache.At(t.TempDir()), event.Discard, Told{})
	var down *NotUpError
	if !errors.As(err, &down) || down.Phase != PhaseBoot || down.Line != "up" || down.Console != s.Console {
		t.Fatalf("%+v", err)
	}
	if !strings.Contains(err.Error(), "the virtual machine has shut down") {
		t.Errorf("%v", err)
	}
}

// TestStopDuringBoot: a machine that is not up yet is switched off, and the
// cause is told as it is.
func TestStopDuringBoot(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	sink := &watcher{begun: func(phase string) {
		if phase == PhaseBoot {
			stop(errStopped)
		}
	}}
	held := create(t, imagestore.At(t.TempDir()), patient)
	if err := Run(ctx, held, settings(t), cache.At(t.TempDir()), sink, Told{}); !errors.Is(err, errStopped) || errors.As(err, new(*NotUpError)) {
		t.Errorf("%v", err)
	}
	if _, shut := sink.ended[PhaseShutdown]; shut {
		t.Error("nobody was there to press the button for")
	}
}

// TestOverlay: a machine's disk is made over the image's, and kept if it is
// there.
func TestOverlay(t *testing.T) {
	held := create(t, imagestore.At(t.TempDir()), patient)
	m := held.Machine
	if err := overlay(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	path := m.Path(imagestore.OverlayFile)
	if info, err := qemuimg.Inspect(t.Context(), m.Backing, m.BackingFormat); err != nil || info.VirtualSize != 1<<20 {
		t.Errorf("the image is now %+v, %v", info, err)
	}
	if _, err := os.Stat(path + ".partial"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	if err := os.WriteFile(path, []byte("written by the guest"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := overlay(t.Context(), m); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "written by the guest" {
		t.Errorf("a disk that was kept is %q, %v", content, err)
	}
	m.Backing = filepath.Join(m.Dir, "missing")
	if err := overlay(t.Context(), m); err == nil {
		t.Error("the image is not there")
	}
}

// TestFaults: what a person is told of a machine that did not come up has the
// end of its console, and says what to do next.
func TestFaults(t *testing.T) {
	cause := errors.New("no route")
	timeout := &serving.TimeoutError{After: time.Minute, Last: cause}
	boot := place{Phase: PhaseBoot, Console: "/c"}
	amigo := place{Phase: PhaseAmiGO, Line: "login:", Console: "/c"}
	on := imagestore.Machine{Name: "stable", SSHPort: 22, HostKey: "SHA256:x"}
	died := newLateError(amigo, on, timeout)
	died.Journals, died.Died = "/c.journals", errors.New("jetty9 was restarted once")
	for name, c := range map[string]struct {
		err  error
		want fault.Report
	}{
		"ended, silent": {&NotUpError{place: boot, Err: cause}, fault.Report{
			What: "no route", Where: "waiting for boot\n/c", Code: fault.Other, Try: fault.To(fault.Diagnose),
		}},
		"ended": {&NotUpError{place: amigo, Err: cause}, fault.Report{
			What: "no route", Where: "waiting for AmiGO\nlast line on the console: login:\n/c", Code: fault.Other, Try: fault.To(fault.Diagnose),
		}},
		"late": {newLateError(amigo, imagestore.Machine{Name: "stable"}, timeout), fault.Report{
			What: "AmiGO's page answers, ssh and a search do not (after 1m0s)", Kept: "the machine stable, which stays on",
			Where: "no route\nlast line on the console: login:\n/c", Code: fault.Other, Try: fault.To(fault.AwaitMachine, "stable"),
		}},
		"late, with ssh": {newLateError(amigo, on, timeout), fault.Report{
			What: "ssh and AmiGO's page answer, a search does not (after 1m0s)", Kept: "the machine stable, which stays on",
			Where: "no route\nlast line on the console: login:\n/c", Code: fault.Other, Try: fault.To(fault.EnterMachine, "stable"),
		}},
		"late, and something died": {died, fault.Report{
			What: "ssh and AmiGO's page answer, a search does not (after 1m0s)", Kept: "the machine stable, which stays on",
			Where: "no route\njetty9 was restarted once\nlast line on the console: login:\n/c\n/c.journals", Code: fault.Other, Try: fault.To(fault.EnterMachine, "stable"),
		}},
	} {
		if diff := cmp.Diff(c.want, fault.Of(c.err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if !errors.Is(c.err, cause) {
			t.Errorf("%s: the cause is lost in %v", name, c.err)
		}
	}
}
