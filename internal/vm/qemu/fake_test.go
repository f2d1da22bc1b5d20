package qemu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qmp"
)

func TestMain(m *testing.M) {
	qemutest.Main()
	os.Exit(m.Run())
}

// startFake starts a program that behaves as a QEMU in some manner.
func startFake(t *testing.T, m qemutest.Manner) (*VM, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, qmp.ErrNoMonitor)
	t.Cleanup(cancel)
	vm, err := Start(ctx, Options{Binary: qemutest.Setenv(t, m)})
	if err == nil {
		t.Cleanup(vm.Close)
	}
	return vm, err
}

func TestQemuThatDoesNotSpeak(t *testing.T) {
	for m, want := range map[qemutest.Manner]string{
		qemutest.Silent:  qmp.ErrNoMonitor.Error(),
		qemutest.Garbage: "reading qemu's greeting: invalid character",
		qemutest.Dying:   "could not allocate memory",
	} {
		if _, err := startFake(t, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", m, err, want)
		}
	}
}

// TestWhatEndsAMachine: the cause is known at once, and a machine that was ended is not
// taken for one that has shut down.
func TestWhatEndsAMachine(t *testing.T) {
	for m, want := range map[qemutest.Manner]string{
		qemutest.Killed:  "the virtual machine was ended, not shut down (host-signal)",
		qemutest.NoSpace: "the virtual machine can't write its disk: no space left on device",
		qemutest.Broken:  "the virtual machine can't read its disk: Input/output error",
		qemutest.Panics:  "the guest's kernel panicked",
	} {
		vm, err := startFake(t, m)
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		<-vm.Exited()
		if err := vm.Err(); err.Error() != want {
			t.Errorf("%s: %v, want %q", m, err, want)
		}
		if err := vm.WaitExit(t.Context()); err == nil || errors.Is(err, syscall.ENOSPC) != (m == qemutest.NoSpace) {
			t.Errorf("%s: %v", m, err)
		}
	}
}

// TestSlowScreen: what the monitor does not answer does not stand in the way of the rest.
func TestSlowScreen(t *testing.T) {
	vm, err := startFake(t, qemutest.Slow)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := vm.Screenshot(ctx, filepath.Join(t.TempDir(), "x.png")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := errors.Join(vm.PressPowerButton(t.Context()), vm.WaitExit(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestResets(t *testing.T) {
	vm, err := startFake(t, qemutest.Resets)
	if err != nil {
		t.Fatal(err)
	}
	for vm.Resets() != 2 {
		time.Sleep(time.Millisecond)
	}
}

func TestEvidence(t *testing.T) {
	dir := t.TempDir()
	console := filepath.Join(dir, "console")
	vm := start(t, Options{
		Disks: []Disk{{Path: qemutest.Disk(t, qemutest.Deaf), Format: "qcow2"}}, Console: console,
		AuthorizedKeys: []string{"ssh-ed25519 AAAA me"},
	})
	out := filepath.Join(dir, "evidence")
	if err := vm.KeepEvidence(out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		ScreenName: "PNG", ConsoleName: "", CommandName: "ssh.authorized_keys.root=...", "disk0.txt": "file format: qcow2",
	} {
		content, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %.300q, %v", name, content, err)
		}
	}
}
