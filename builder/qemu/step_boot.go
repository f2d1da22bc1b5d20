package qemu

import (
	"context"
	"path/filepath"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

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
	options, err := s.options()
	if err != nil {
		return err
	}
	if s.key != nil {
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

// options describe the guest's machine.
func (s *stepBoot) options() (engine.Options, error) {
	replace, err := s.config.replaced(s.render)
	if err != nil {
		return engine.Options{}, err
	}
	port, err := s.config.freePort()
	if err != nil {
		return engine.Options{}, err
	}
	var disks []engine.Disk
	for _, disk := range s.disks() {
		disks = append(disks, s.config.drive(disk.work))
	}
	return engine.Options{
		Arch:        s.config.arch(),
		Binary:      s.config.QemuBinary,
		Name:        s.config.VMName,
		Machine:     s.config.MachineType,
		CPU:         s.config.CPUModel,
		Topology:    s.config.topology(),
		VGA:         s.config.VGA,
		NIC:         s.config.NetDevice,
		Accelerator: s.choice.Accelerator,
		Firmware:    engine.Firmware(s.config.Firmware),
		CPUs:        s.config.CPUs,
		MemoryMiB:   s.config.Memory,
		Disks:       disks,
		Forward:     s.config.forwarded(),
		HostPorts:   map[int]int{s.config.guestPort(): port},
		Console:     s.console(),
		Replace:     replace,
		Extra:       s.config.QemuExtraArgs,
	}, nil
}

// render fills in what qemuargs can name. QEMU chooses the port of this host itself.
func (s *stepBoot) render(text string) (string, error) {
	ctx := s.config.ctx
	ctx.Data = struct {
		Name, OutputDir string
		SSHHostPort     int
	}{s.config.VMName, s.output.Path(), 0}
	return interpolate.Render(text, &ctx)
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
	if !s.config.reaches(s.key) {
		return nil
	}
	s.vm.Port = s.config.guestPort()
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
