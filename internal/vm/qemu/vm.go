package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qmp"
)

// VM is a running virtual machine. It must be ended with [VM.Close].
type VM struct {
	options Options
	dir     *scratch.Dir // private: sockets and UEFI variables
	command command.Cmd
	stderr  *os.File // what QEMU says, in dir
	process *command.Process
	monitor *qmp.Client
	cancel  context.CancelFunc
	ports   map[int]int

	closeOnce sync.Once
	history   history
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
	stderr, err := os.Create(vm.dir.Path(stderrName))
	if err != nil {
		return fmt.Errorf("preparing the virtual machine: %w", err)
	}
	vm.stderr = stderr
	vm.command = command.Cmd{Name: vm.options.Binary, Args: args, Stderr: stderr}
	vm.process, err = command.Start(ctx, vm.command)
	if err != nil {
		return err
	}
	vm.monitor, err = qmp.Dial(ctx, f.monitor, vm.process.Done(), vm.hear)
	if err != nil {
		return vm.startError(err)
	}
	vm.ports, err = vm.forwarded(ctx)
	return err
}

// startError prefers QEMU's own last words, which it may still be saying, to
// what is wrong with the connection to it.
func (vm *VM) startError(err error) error {
	select {
	case <-vm.process.Done():
	case <-time.After(2 * time.Second):
	}
	if vm.HasExited() {
		if exit := vm.process.Wait(); exit != nil {
			return fmt.Errorf("starting the virtual machine: %w", exit)
		}
	}
	return fmt.Errorf("talking to qemu: %w", err)
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
	if err := vm.endedBadly(); err != nil {
		return err
	}
	return errors.New("the virtual machine has shut down")
}

// PID returns QEMU's process id.
func (vm *VM) PID() int { return vm.process.PID() }

// HasExited tells whether QEMU has ended.
func (vm *VM) HasExited() bool {
	select {
	case <-vm.Exited():
		return true
	default:
		return false
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
	table, err := vm.monitor.Human(ctx, "info usernet")
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

// PressPowerButton asks the guest to shut down. A guest that has no time for it yet never
// hears of it.
func (vm *VM) PressPowerButton(ctx context.Context) error {
	err := vm.monitor.Execute(ctx, "system_powerdown", nil, nil)
	if err == nil || vm.HasExited() {
		return nil
	}
	return fmt.Errorf("pressing the power button: %w", err)
}

// Quit ends the machine without asking the guest, after what it has written to its disks
// is there.
func (vm *VM) Quit(ctx context.Context) error {
	if err := vm.monitor.Execute(ctx, "quit", nil, nil); err != nil && !vm.HasExited() {
		return fmt.Errorf("ending qemu: %w", err)
	}
	return nil
}

// WaitExit waits until the guest has shut down by itself. All other ends are errors. So is
// a machine that still runs when ctx is done.
func (vm *VM) WaitExit(ctx context.Context) error {
	select {
	case <-vm.Exited():
		return vm.endedBadly()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stderrName is the file of what QEMU says.
const stderrName = "stderr"

// Screenshot writes what is on the guest's screen to a PNG file.
func (vm *VM) Screenshot(ctx context.Context, path string) error {
	arguments := map[string]any{"filename": path, "format": "png"}
	if err := vm.monitor.Execute(ctx, "screendump", arguments, nil); err != nil {
		return fmt.Errorf("taking a screenshot: %w", err)
	}
	return nil
}

// Close ends the machine at once, if it still runs, and removes what it left.
func (vm *VM) Close() {
	vm.closeOnce.Do(func() {
		if vm.monitor != nil {
			vm.monitor.Close()
		}
		if vm.process != nil {
			_ = vm.process.Signal(syscall.SIGKILL)
			<-vm.process.Done()
		}
		vm.cancel()
		if vm.stderr != nil {
			_ = vm.stderr.Close()
		}
		vm.dir.Close()
	})
}
