package qemu

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
)

// start starts a real machine that has nothing to boot.
func start(t *testing.T, options Options) *VM {
	t.Helper()
	options.MemoryMiB = 64
	vm, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Close)
	return vm
}

func TestPortsAreOnLoopback(t *testing.T) {
	vm := start(t, Options{Forward: []int{22, 80}})
	if vm.Addr(22) == vm.Addr(80) {
		t.Errorf("both ports are at %s", vm.Addr(22))
	}
	conn, err := net.Dial("tcp", vm.Addr(80))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if !strings.HasPrefix(vm.Addr(80), "127.0.0.1:") {
		t.Errorf("the port is at %s", vm.Addr(80))
	}
}

// Whatever a path is made of, it is a path: not an option, not a protocol.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"c,omma", "a b", "a=b", "ü", "%d", "new\nline", "nbd:x", "json:{}", "'\"$HOME"} {
		dir := filepath.Join(t.TempDir(), name)
		disk, seed, console := filepath.Join(dir, name+".raw"), filepath.Join(dir, "seed"), filepath.Join(dir, "console.log")
		err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(disk, make([]byte, 512), 0o644), os.WriteFile(seed, make([]byte, 512), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		vm := start(t, Options{Name: name, Disks: []Disk{{Path: disk, Format: "raw", Snapshot: true}}, Seed: seed, Console: console})
		vm.Close()
		if _, err := os.Stat(console); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestDeathIsNoticed(t *testing.T) {
	vm := start(t, Options{})
	if err := syscall.Kill(vm.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-vm.Exited()
	if err := vm.Err(); err == nil || !strings.Contains(err.Error(), "died") {
		t.Errorf("got %v", err)
	}
}

func TestNothingOutlivesClose(t *testing.T) {
	vm := start(t, Options{Firmware: UEFI, Forward: []int{22}})
	addr, pid, dir := vm.Addr(22), vm.PID(), vm.dir.Path()
	vm.Close()
	vm.Close()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("qemu is still there: %v", err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the port is still open")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there", dir)
	}
}

func TestContextEndsTheMachine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	vm, err := Start(ctx, Options{MemoryMiB: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	cancel()
	<-vm.Exited()
}

func TestScreenshot(t *testing.T) {
	vm := start(t, Options{})
	path := filepath.Join(t.TempDir(), "screen.png")
	if err := vm.Screenshot(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(content, []byte("\x89PNG")) {
		t.Errorf("no PNG: %v", err)
	}
}

func TestGuestThatIgnoresThePowerButton(t *testing.T) {
	vm := start(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := errors.Join(vm.PressPowerButton(ctx), vm.WaitExit(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a machine without a system: %v", err)
	}
	if vm.HasExited() {
		t.Error("the machine did not survive the timeout")
	}
}

func TestQemuSaysWhyItDoesNotStart(t *testing.T) {
	_, err := Start(t.Context(), Options{Disks: []Disk{{Path: "/nonexistent.qcow2", Format: "qcow2"}}})
	if err == nil || !strings.Contains(err.Error(), "/nonexistent.qcow2") {
		t.Errorf("got %v", err)
	}
}

func TestMissingQemu(t *testing.T) {
	_, err := Start(t.Context(), Options{Binary: "qemu-system-none"})
	var missing *command.MissingError
	if !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

// TestEveryInterface: QEMU takes each with several disks, on each board.
func TestEveryInterface(t *testing.T) {
	for _, board := range []string{"q35", "pc"} {
		for _, name := range Interfaces() {
			var disks []Disk
			for range 3 {
				disks = append(disks, Disk{Path: qemutest.Disk(t, qemutest.Brief), Format: "qcow2", Interface: name})
			}
			vm := start(t, Options{Machine: board, Disks: disks})
			if err := vm.WaitExit(t.Context()); err != nil && board == "q35" && name != "nvme" {
				t.Errorf("%s, %s: the guest did not boot: %v", board, name, err)
			}
			vm.Close()
		}
	}
}
