package machine

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
)

func start(t *testing.T, guest qemutest.BootSector) *Machine {
	t.Helper()
	console := t.TempDir() + "/console"
	m, err := Start(t.Context(), qemu.Options{
		MemoryMiB: 64, Disks: []qemu.Disk{{Path: qemutest.Disk(t, guest), Format: "qcow2", Scratch: true}}, Console: console,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	for { // until it listens
		if said, err := os.ReadFile(console); err == nil && len(said) > 0 {
			return m
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var errRefused = errors.New("refused")

// TestShutDown goes down the ladder as far as it must.
func TestShutDown(t *testing.T) {
	refused := Rung{Name: "command", Do: func(context.Context) error { return errRefused }}
	ignored := Rung{Name: "ignored", Do: func(context.Context) error { return nil }}
	m := start(t, qemutest.Patient)
	m.Limits.Shutdown = time.Second
	if rung, err := m.ShutDown(t.Context(), refused, ignored, m.Button()); err != nil || rung != "the power button" {
		t.Errorf("%q, %v", rung, err)
	}
	m = start(t, qemutest.Deaf)
	m.Limits.Shutdown = 100 * time.Millisecond
	_, err := m.ShutDown(t.Context(), refused, m.Button())
	if unclean := new(UncleanError); !errors.As(err, &unclean) || !errors.Is(err, errRefused) || !errors.Is(err, errNotHeard) || !strings.Contains(err.Error(), "the power button: no answer") {
		t.Errorf("a guest that does not hear: %v", err)
	}
	if m.HasExited() {
		t.Error("it was ended")
	}
	if err := m.Quit(t.Context()); err != nil {
		t.Error(err)
	}
	<-m.Exited()
	if _, err := m.ShutDown(t.Context(), m.Button()); err == nil || !strings.Contains(err.Error(), "ended, not shut down (host-qmp-quit)") {
		t.Errorf("one that was ended: %v", err)
	}
}

// TestShutDownIsStopped by whoever stops the rest.
func TestShutDownIsStopped(t *testing.T) {
	m := start(t, qemutest.Deaf)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errRefused)
	defer cancel()
	if _, err := m.ShutDown(ctx, m.Button(), m.Button()); !errors.Is(err, errRefused) || errors.As(err, new(*UncleanError)) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	if LimitsOf("") != LimitsOf(qemu.TCG) || LimitsOf(qemu.KVM) == LimitsOf(qemu.TCG) {
		t.Error(LimitsOf(""))
	}
	own := Limits{SSH: time.Second}.Or(LimitsOf(qemu.KVM))
	if own.SSH != time.Second || own.Shutdown != LimitsOf(qemu.KVM).Shutdown {
		t.Errorf("%+v", own)
	}
}
