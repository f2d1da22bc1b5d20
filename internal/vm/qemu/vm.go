package qemu

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

// VM is a running virtual machine. It must be ended with [VM.Close].
type VM struct {
	options Options
	dir     *scratch.Dir // private: sockets and UEFI variables
	process *command.Process
	monitor *monitor
	cancel  context.CancelFunc
	ports   map[int]int

	closeOnce sync.Once
	fault     atomic.Pointer[error] // why we ended it
}

// Start starts a virtual machine and returns when QEMU answers. The machine
// ends with ctx at the latest.
func Start(ctx context.Context, options Options) (*VM, error) {
	options = options.withDefaults()
	dir, err := scratch.New(socketParent(), "vm")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	vm := &VM{options: options, dir: dir, cancel: cancel}
	if err := vm.start(ctx); err != nil {
		vm.Close()
		return nil, err
	}
	return vm, nil
}

// socketParent returns a directory whose path leaves room for that of a
// socket below it, which must stay below 108 bytes.
func socketParent() string {
	if dir := os.TempDir(); len(dir) < 70 {
		return dir
	}
	return "/tmp"
}

func (vm *VM) start(ctx context.Context) error {
	f, err := vm.prepare()
	if err != nil {
		return err
	}
	args, err := vm.options.args(f)
	if err != nil {
		return err
	}
	vm.process, err = command.Start(ctx, command.Cmd{Name: vm.options.Binary, Args: args})
	if err != nil {
		return err
	}
	vm.monitor, err = dialMonitor(ctx, f.monitor, vm.process.Done())
	if err != nil {
		return vm.startError(err)
	}
	if vm.ports, err = vm.forwarded(ctx); err != nil {
		return err
	}
	go vm.watchDisk(ctx)
	return nil
}

// startError prefers QEMU's own last words, which it may still be saying, to
// what is wrong with the connection to it.
func (vm *VM) startError(err error) error {
	select {
	case <-vm.process.Done():
	case <-time.After(2 * time.Second):
	}
	if exit := vm.exitErr(); exit != nil {
		return fmt.Errorf("starting the virtual machine: %w", exit)
	}
	return fmt.Errorf("talking to qemu: %w", err)
}

// watchDisk ends a machine that can't write its disk: QEMU stops such a guest
// without a word and waits for somebody to make room.
func (vm *VM) watchDisk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-vm.Exited():
			return
		case <-time.After(2 * time.Second):
		}
		var state struct {
			Status string `json:"status"`
		}
		if err := vm.monitor.execute(ctx, "query-status", nil, &state); err != nil || state.Status != "io-error" {
			continue
		}
		full := fmt.Errorf("the virtual machine can't write its disk: %w", syscall.ENOSPC)
		vm.fault.Store(&full)
		_ = vm.process.Signal(syscall.SIGKILL)
		return
	}
}

func (vm *VM) prepare() (files, error) {
	f := files{monitor: vm.dir.Path("qmp")}
	if vm.options.Firmware != UEFI {
		return f, nil
	}
	var template string
	var err error
	f.code, template, err = findUEFI(firmwareDescriptors, vm.options.Arch)
	if err != nil {
		return f, err
	}
	f.vars = vm.dir.Path("vars.fd")
	content, err := os.ReadFile(template)
	if err != nil {
		return f, fmt.Errorf("reading UEFI variables: %w", err)
	}
	if err := os.WriteFile(f.vars, content, 0o600); err != nil {
		return f, fmt.Errorf("copying UEFI variables: %w", err)
	}
	return f, nil
}

// Exited is closed when QEMU has ended, for whatever reason.
func (vm *VM) Exited() <-chan struct{} { return vm.process.Done() }

// Err says how QEMU ended; it waits for that.
func (vm *VM) Err() error {
	if fault := vm.fault.Load(); fault != nil {
		return *fault
	}
	if err := vm.process.Wait(); err != nil {
		return fmt.Errorf("the virtual machine died: %w", err)
	}
	return errors.New("the virtual machine has shut down")
}

// PID returns QEMU's process id.
func (vm *VM) PID() int { return vm.process.PID() }

func (vm *VM) exitErr() error {
	if vm.process == nil {
		return nil
	}
	select {
	case <-vm.process.Done():
		return vm.process.Wait()
	default:
		return nil
	}
}

// Addr returns the address on this host's loopback interface that leads to a
// port of the guest. The port must be one of [Options.Forward].
func (vm *VM) Addr(guestPort int) string {
	return "127.0.0.1:" + strconv.Itoa(vm.ports[guestPort])
}

// forwardLine is a line of QEMU's "info usernet": protocol and state, file
// descriptor, source address and port, destination address and port.
var forwardLine = regexp.MustCompile(`(?m)^\s*TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)`)

func (vm *VM) forwarded(ctx context.Context) (map[int]int, error) {
	table, err := vm.monitor.human(ctx, "info usernet")
	if err != nil {
		return nil, fmt.Errorf("asking qemu for its ports: %w", err)
	}
	ports := map[int]int{}
	for _, match := range forwardLine.FindAllStringSubmatch(table, -1) {
		host, _ := strconv.Atoi(match[1])
		guest, _ := strconv.Atoi(match[2])
		ports[guest] = host
	}
	for _, port := range vm.options.Forward {
		if ports[port] == 0 {
			return nil, fmt.Errorf("qemu forwards no port to the guest's port %d", port)
		}
	}
	return ports, nil
}

// PowerDown asks the guest to shut down, as its power button would, and waits
// for it. A guest that is still there after timeout gives an error and keeps
// running.
func (vm *VM) PowerDown(ctx context.Context, timeout time.Duration) error {
	if err := vm.monitor.execute(ctx, "system_powerdown", nil, nil); err != nil && vm.exitErr() == nil {
		select {
		case <-vm.Exited():
		default:
			return fmt.Errorf("pressing the power button: %w", err)
		}
	}
	return vm.WaitExit(ctx, timeout)
}

// WaitExit waits until the guest has shut down by itself.
func (vm *VM) WaitExit(ctx context.Context, timeout time.Duration) error {
	select {
	case <-vm.Exited():
		if err := vm.process.Wait(); err != nil {
			return fmt.Errorf("shutting down: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("shutting down: %w", context.Cause(ctx))
	case <-time.After(timeout):
		return fmt.Errorf("the guest did not shut down within %s", timeout)
	}
}

// Screenshot writes what is on the guest's screen to a PNG file.
func (vm *VM) Screenshot(ctx context.Context, path string) error {
	arguments := map[string]any{"filename": path, "format": "png"}
	if err := vm.monitor.execute(ctx, "screendump", arguments, nil); err != nil {
		return fmt.Errorf("taking a screenshot: %w", err)
	}
	return nil
}

// Close ends the machine at once, if it still runs, and removes what it left.
func (vm *VM) Close() {
	vm.closeOnce.Do(func() {
		if vm.monitor != nil {
			vm.monitor.close()
		}
		if vm.process != nil {
			_ = vm.process.Signal(syscall.SIGKILL)
			<-vm.process.Done()
		}
		vm.cancel()
		vm.dir.Close()
	})
}

func base64Std(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
