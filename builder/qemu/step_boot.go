package qemu

import (
	"context"
	"path/filepath"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/seed"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// stepBoot starts the guest and waits until it answers.
type stepBoot struct{ *build }

func (s *stepBoot) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	phase := event.Start(s.sink, "boot", string(s.choice.Accelerator))
	err := s.boot(ctx)
	if phase.End(event.OK, "guest answers ssh", err) != nil {
		return fail(state, err)
	}
	return multistep.ActionContinue
}

func (s *stepBoot) boot(ctx context.Context) error {
	options := engine.Options{
		Arch:        s.config.arch(),
		Binary:      s.config.QemuBinary,
		Name:        s.config.VMName,
		Accelerator: s.choice.Accelerator,
		Firmware:    engine.Firmware(s.config.Firmware),
		CPUs:        s.config.CPUs,
		MemoryMiB:   s.config.Memory,
		Disks:       []engine.Disk{{Path: s.overlay(), Format: "qcow2", Scratch: true}},
		Forward:     []int{machine.SSHPort},
		Console:     s.console(),
	}
	if s.key != nil {
		var err error
		if options.Seed, err = s.makeSeed(ctx); err != nil {
			return err
		}
	}
	vm, err := machine.Start(ctx, options, s.key)
	if err != nil {
		return err
	}
	vm.Limits.SSH, vm.Limits.Shutdown = s.config.Comm.SSHTimeout, s.config.ShutdownTimeout
	s.vm = vm
	go s.watch(vm)
	return s.wait(ctx)
}

// makeSeed returns the path of a disk that lets the build's key in where a
// systemd credential does not, and from which a cloud image makes its host
// keys; "" for a base of our own, which needs none.
func (s *stepBoot) makeSeed(ctx context.Context) (string, error) {
	if s.config.DiskImage == nil || s.config.Comm.SSHUsername != "root" {
		return "", nil
	}
	data := seed.Seed{Instance: filepath.Base(s.output.Path()), Host: "amigo", AuthorizedKeys: []string{s.key.AuthorizedKey}, Root: true}
	return s.seed(), data.Write(ctx, s.seed())
}

// wait tries twice a second, where the communicator's own attempts are five
// seconds apart.
func (s *stepBoot) wait(ctx context.Context) error {
	if s.key == nil {
		return nil
	}
	g, err := s.vm.Login(ctx, s.config.Comm.SSHUsername)
	if err != nil {
		return err
	}
	return g.Close()
}

// Cleanup ends the machine if the build did not, and keeps its last words. Who
// ends a build by hand wants none.
func (s *stepBoot) Cleanup(state multistep.StateBag) {
	if s.vm == nil {
		return
	}
	s.expected.Store(true)
	_, failed := state.GetOk("error")
	_, cancelled := state.GetOk(multistep.StateCancelled)
	// A step that is told of the death of the machine halts without an error of its own.
	_, halted := state.GetOk(multistep.StateHalted)
	if (failed || cancelled || halted) && !s.stopped() {
		s.keepEvidence()
	}
	s.vm.Close()
}

func (s *stepBoot) keepEvidence() {
	dir := s.evidence()
	if err := s.vm.KeepEvidence(dir); err != nil {
		s.sink.Emit(event.Event{Type: event.Detail, Text: err.Error()})
	}
	s.sink.Emit(event.Event{Type: event.Message, Text: "the guest's screen and console, and what qemu said, are kept in " + dir})
}
