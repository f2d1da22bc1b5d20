package qemu

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Hardware is what the guest runs on.
type Hardware struct {
	// The architecture of the guest, "amd64" or "arm64"; the host's own by default.
	// A guest of another one is emulated, and making its base needs qemu-user-static
	// on the host.
	Architecture string `mapstructure:"architecture"`
	// The guest's memory in MiB, 2048 by default.
	Memory int `mapstructure:"memory"`
	// The number of the guest's processors, 2 by default, or as many as sockets, cores
	// and threads make.
	CPUs int `mapstructure:"cpus"`
	// How many sockets the guest is told of.
	Sockets int `mapstructure:"sockets"`
	// How many cores a socket has.
	Cores int `mapstructure:"cores"`
	// How many threads a core has.
	Threads int `mapstructure:"threads"`
	// QEMU's model of the processor, like "Skylake-Server". By default all that the host
	// has, or all that QEMU emulates.
	CPUModel string `mapstructure:"cpu_model"`
	// QEMU's board, "q35" for amd64 and "virt" for arm64 by default.
	MachineType string `mapstructure:"machine_type"`
	// QEMU's graphics card, "std" for amd64 by default.
	VGA string `mapstructure:"vga"`
	// QEMU's network card, like "e1000", "virtio-net-pci" by default. The kernel of a base
	// that is made from packages has drivers for virtio's alone.
	NetDevice string `mapstructure:"net_device"`
	// The accelerators to choose from, ["kvm", "tcg"] by default: the first
	// that no later one beats in a timed probe.
	Accelerators []string `mapstructure:"accelerators"`
	// The one accelerator, in the place of accelerators.
	Accelerator string `mapstructure:"accelerator"`
	// Fail rather than emulate.
	RequireAcceleration bool `mapstructure:"require_acceleration"`
	// What boots the guest: "bios", the default where there is one, or "uefi",
	// the only one for arm64.
	Firmware string `mapstructure:"firmware"`
	// The program that runs guests, that of the architecture by default, like
	// "qemu-system-x86_64".
	QemuBinary string `mapstructure:"qemu_binary"`
	// Arguments of QEMU in the place of all that the builder has with the same flag:
	// [["-m", "1G"], ["-rtc", "base=localtime"]]. Other devices leave the disks, and
	// other drives replace them. `{{ .Name }}`, `{{ .OutputDir }}` and `{{ .SSHHostPort }}`
	// stand for vm_name, the directory in which the disk grows, and a port that QEMU
	// chooses.
	QemuArgs [][]string `mapstructure:"qemuargs"`
	// Arguments of QEMU after all others.
	QemuExtraArgs []string `mapstructure:"qemu_extra_args"`
}

func (h *Hardware) setDefaults() {
	h.Architecture = cmp.Or(h.Architecture, arch.Own().Name)
	h.Memory = cmp.Or(h.Memory, 2048)
	if h.CPUs == 0 && max(h.Sockets, h.Cores, h.Threads) > 0 {
		h.CPUs = max(h.Sockets, 1) * max(h.Cores, 1) * max(h.Threads, 1)
	}
	h.CPUs = cmp.Or(h.CPUs, 2)
	h.Firmware = cmp.Or(h.Firmware, string(engine.Firmwares(h.arch())[0]))
	h.QemuBinary = cmp.Or(h.QemuBinary, h.arch().Emulator())
	if len(h.Accelerators) == 0 {
		h.Accelerators = []string{string(engine.KVM), string(engine.TCG)}
		if h.Accelerator != "" {
			h.Accelerators = []string{h.Accelerator}
		}
	}
}

func (h *Hardware) check() error {
	var errs []error
	if h.Memory < 256 {
		errs = append(errs, fmt.Errorf("memory: %d MiB is too little (at least 256)", h.Memory))
	}
	errs = append(errs, h.checkProcessors(), h.checkAccelerators())
	a, _ := arch.Find(h.Architecture)
	errs = append(errs, checkFirmware(h.Firmware, a))
	for _, name := range []struct{ field, value string }{
		{"machine_type", h.MachineType}, {"cpu_model", h.CPUModel}, {"vga", h.VGA}, {"net_device", h.NetDevice},
	} {
		if strings.ContainsAny(name.value, " \t\n") {
			errs = append(errs, fmt.Errorf("%s: %q is not a name that QEMU knows", name.field, name.value))
		}
	}
	for i, args := range h.QemuArgs {
		if len(args) == 0 || !strings.HasPrefix(args[0], "-") {
			errs = append(errs, fmt.Errorf("qemuargs: entry %d does not begin with a flag like \"-m\"", i+1))
		}
	}
	return errors.Join(errs...)
}

func (h *Hardware) checkProcessors() error {
	if h.CPUs < 1 || h.CPUs > 255 {
		return fmt.Errorf("cpus: %d is not between 1 and 255", h.CPUs)
	}
	if min(h.Sockets, h.Cores, h.Threads) < 0 {
		return errors.New("sockets, cores, threads: none can be negative")
	}
	if told := max(h.Sockets, 1) * max(h.Cores, 1) * max(h.Threads, 1); told > h.CPUs {
		return fmt.Errorf("cpus: %d are fewer than the %d that sockets, cores and threads make", h.CPUs, told)
	}
	return nil
}

func (h *Hardware) checkAccelerators() error {
	var errs []error
	if h.Accelerator != "" && !slices.Equal(h.Accelerators, []string{h.Accelerator}) {
		errs = append(errs, errors.New("accelerator and accelerators: only one of the two can be given"))
	}
	for _, name := range h.Accelerators {
		if name != string(engine.KVM) && name != string(engine.TCG) {
			errs = append(errs, fmt.Errorf("accelerators: %q is not known (known: kvm, tcg)", name))
		}
	}
	return errors.Join(errs...)
}

// arch is the guest's, or the host's if its name is not known.
func (h *Hardware) arch() arch.Arch {
	a, err := arch.Find(h.Architecture)
	if err != nil {
		return arch.Own()
	}
	return a
}

func (h *Hardware) topology() engine.Topology {
	return engine.Topology{Sockets: h.Sockets, Cores: h.Cores, Threads: h.Threads}
}

func (h *Hardware) accelerators() []engine.Accelerator {
	list := make([]engine.Accelerator, len(h.Accelerators))
	for i, name := range h.Accelerators {
		list[i] = engine.Accelerator(name)
	}
	return list
}

// replaced are qemuargs for the engine. As in HashiCorp's builder, what comes after a flag
// is put together.
func (h *Hardware) replaced(render func(string) (string, error)) ([]engine.Arg, error) {
	list := make([]engine.Arg, len(h.QemuArgs))
	for i, args := range h.QemuArgs {
		value, err := render(strings.Join(args[1:], ""))
		if err != nil {
			return nil, fmt.Errorf("qemuargs: entry %d: %w", i+1, err)
		}
		list[i] = engine.Arg{Flag: args[0], Value: value}
	}
	return list, nil
}

// checkFirmware takes every firmware for right if the architecture is not known.
func checkFirmware(name string, a arch.Arch) error {
	switch firmware := engine.Firmware(name); {
	case firmware != engine.BIOS && firmware != engine.UEFI:
		return errors.New("firmware: " + nearest.Unknown(name, []string{string(engine.BIOS), string(engine.UEFI)}))
	case a.Name != "":
		return field.Wrap("firmware", engine.CheckFirmware(firmware, a))
	}
	return nil
}

// parseSize reads a size. A number alone is MiB, as in HashiCorp's builder.
func parseSize(text string) (int64, error) {
	if strings.Trim(text, "0123456789") == "" && text != "" {
		text += "M"
	}
	size, err := units.RAMInBytes(text)
	if err != nil || size <= 0 {
		return 0, fmt.Errorf("%q is not a size like \"8G\"", text)
	}
	return size, nil
}
