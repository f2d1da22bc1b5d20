package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// Names of the files with what is known of a machine.
const (
	ScreenName  = "screen.png"
	ConsoleName = "console.log"
	CommandName = "qemu.txt" // QEMU's command line, and what it said
)

// evidenceTime bounds looking at a machine that may be dead.
const evidenceTime = 10 * time.Second

// KeepEvidence writes into dir, which it makes, what tells why a machine failed: its
// screen, its console, QEMU's command line and what it said, and what qemu-img knows of the
// disks. What can't be had is left out, and is in the error.
func (vm *VM) KeepEvidence(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keeping evidence: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), evidenceTime)
	defer cancel()
	var errs []error
	if !vm.HasExited() {
		errs = append(errs, vm.Screenshot(ctx, filepath.Join(dir, ScreenName)))
	}
	errs = append(errs, vm.copyConsole(dir), vm.describe(dir))
	for i, disk := range vm.options.Disks {
		told, err := qemuimg.Describe(ctx, disk.Path, disk.Format)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "disk"+strconv.Itoa(i)+".txt"), told, 0o644)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (vm *VM) copyConsole(dir string) error {
	if vm.options.Console == "" || filepath.Dir(vm.options.Console) == dir {
		return nil
	}
	content, err := os.ReadFile(vm.options.Console)
	if err != nil {
		return fmt.Errorf("keeping the console: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, ConsoleName), content, 0o644)
}

// credential is one of systemd in QEMU's command line.
var credential = regexp.MustCompile(`(io\.systemd\.credential\.binary:[^=]+=)[^, ']+`)

// describe writes the command line without the guest's credentials.
func (vm *VM) describe(dir string) error {
	said, err := os.ReadFile(vm.stderr.Name())
	if err != nil {
		return fmt.Errorf("keeping what qemu said: %w", err)
	}
	text := credential.ReplaceAllString(vm.command.String(), "$1...") + "\n\n" + string(said)
	return os.WriteFile(filepath.Join(dir, CommandName), []byte(text), 0o644)
}
