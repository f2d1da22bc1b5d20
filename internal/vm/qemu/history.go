package qemu

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qmp"
)

// history is what QEMU has told of a machine.
type history struct {
	mu     sync.Mutex
	fault  error  // why we ended it
	reason string // of its end: a ShutdownCause of QEMU's
	resets int
}

var errPanic = errors.New("the guest's kernel panicked")

// hear takes in what QEMU tells. A guest that can't go on ends at once, with the cause,
// where it would stand still and be waited for.
func (vm *VM) hear(e qmp.Event) {
	switch e.Name {
	case "BLOCK_IO_ERROR":
		var failure diskFailure
		if e.Read(&failure); failure.Action == "stop" {
			vm.end(failure.err())
		}
	case "GUEST_PANICKED":
		if !vm.options.SurvivesPanic {
			vm.end(errPanic)
		}
	case "RESET":
		vm.history.reset()
	case "SHUTDOWN":
		var told struct{ Reason string }
		e.Read(&told)
		vm.history.ended(told.Reason)
	}
}

// diskFailure is what QEMU tells when it can't read or write a disk.
type diskFailure struct {
	Operation string // "read" or "write"
	Action    string // "stop", if the guest was stopped
	NoSpace   bool
	Reason    string // for people
}

func (f diskFailure) err() error {
	if f.NoSpace {
		return fmt.Errorf("the virtual machine can't %s its disk: %w", f.Operation, syscall.ENOSPC)
	}
	return fmt.Errorf("the virtual machine can't %s its disk: %s", f.Operation, f.Reason)
}

// end ends the machine for a reason, unless there is one already.
func (vm *VM) end(reason error) {
	vm.history.mu.Lock()
	defer vm.history.mu.Unlock()
	if vm.history.fault == nil {
		vm.history.fault = reason
		_ = vm.process.Signal(syscall.SIGKILL)
	}
}

func (h *history) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resets++
}

func (h *history) ended(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reason = reason
}

// Resets returns how often the guest has started again.
func (vm *VM) Resets() int {
	vm.history.mu.Lock()
	defer vm.history.mu.Unlock()
	return vm.history.resets
}

// endedBadly waits for the end, and returns nil if the guest has shut down by itself.
func (vm *VM) endedBadly() error {
	err := vm.process.Wait()
	<-vm.monitor.Done() // all that QEMU told is read
	vm.history.mu.Lock()
	defer vm.history.mu.Unlock()
	switch {
	case vm.history.fault != nil:
		return vm.history.fault
	case err != nil:
		return fmt.Errorf("the virtual machine died: %w", err)
	case vm.history.reason != "guest-shutdown":
		return fmt.Errorf("the virtual machine was ended, not shut down (%s)", vm.history.reason)
	}
	return nil
}
