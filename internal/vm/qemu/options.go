// Package qemu runs virtual machines: a description becomes an argument list,
// the argument list a supervised process.
package qemu

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/optlist"
)

// Accelerator is what executes a guest's instructions.
type Accelerator string

// The accelerators that this project chooses from.
const (
	KVM Accelerator = "kvm"
	TCG Accelerator = "tcg"
)

// Firmware is what boots a guest.
type Firmware string

// The firmwares that there are.
const (
	BIOS Firmware = "bios"
	UEFI Firmware = "uefi"
)

// Firmwares returns what boots machines of an architecture.
func Firmwares(a arch.Arch) []Firmware {
	if a.BIOS {
		return []Firmware{BIOS, UEFI}
	}
	return []Firmware{UEFI}
}

// CheckFirmware returns an error if no machine of an architecture boots with a firmware.
func CheckFirmware(f Firmware, a arch.Arch) error {
	if !slices.Contains(Firmwares(a), f) {
		return fmt.Errorf("no machine of %s boots with %q", a.Name, f)
	}
	return nil
}

// Disk is a disk of a guest.
type Disk struct {
	Path   string
	Format string // "qcow2" or "raw"; never probed
	// Snapshot throws the guest's writes away when it ends.
	Snapshot bool
	// ReadOnly is for a disk that the guest may not write to.
	ReadOnly bool
	// Scratch is for a disk that is of no use should this host die: the
	// guest's flushes do not wait for the medium.
	Scratch bool
	// Interface is how the guest sees it, one of [Interfaces]; "" is the first.
	Interface string
	// Cache, Discard and DetectZeroes are QEMU's options of these names; "" is what fits.
	Cache, Discard, DetectZeroes string
}

// Options describes a virtual machine. The zero value of a field takes the
// default that its comment names.
type Options struct {
	Arch        arch.Arch   // [arch.AMD64]
	Binary      string      // the architecture's
	Name        string      // "amigo"
	Accelerator Accelerator // TCG
	Firmware    Firmware    // BIOS where there is one, else UEFI
	CPUs        int         // 2
	MemoryMiB   int         // 2048
	Machine     string      // QEMU's board; the architecture's
	CPU         string      // QEMU's model; all that the accelerator has
	Topology    Topology
	VGA         string // QEMU's graphics card; the architecture's
	NIC         string // QEMU's network card; "virtio-net-pci"
	Disks       []Disk
	// Seed is the path of a raw disk image with a NoCloud seed.
	Seed string
	// Forward lists ports of the guest that get a port of this host's
	// loopback interface, which QEMU chooses unless HostPorts names it.
	Forward []int
	// HostPorts are ports of this host by the guest's port in Forward.
	HostPorts map[int]int
	// AuthorizedKeys may log in as root for as long as the guest runs, lines of
	// authorized_keys. systemd 252 or later takes them from a credential.
	AuthorizedKeys []string
	// SurvivesPanic leaves a guest alone whose kernel panics, for one that starts again by
	// itself. Others end.
	SurvivesPanic bool
	// Isolated cuts the guest off from every network but Forward.
	Isolated bool
	// Console is the file that gets the guest's serial console.
	Console string
	// Replace are arguments in the place of all of the same flag.
	Replace []Arg
	// Extra arguments come after all others.
	Extra []string
}

// Topology is how the processors are told to the guest. Those that are 0 are QEMU's choice.
type Topology struct{ Sockets, Cores, Threads int }

// withDefaults fills what the caller left open.
func (o Options) withDefaults() Options {
	if o.Arch.Name == "" {
		o.Arch = arch.AMD64
	}
	o.Binary = cmp.Or(o.Binary, o.Arch.Emulator())
	o.Name = cmp.Or(o.Name, "amigo")
	o.Accelerator = cmp.Or(o.Accelerator, TCG)
	if !o.Arch.BIOS {
		o.Firmware = UEFI
	}
	o.Firmware = cmp.Or(o.Firmware, BIOS)
	o.CPUs = cmp.Or(o.CPUs, 2)
	o.MemoryMiB = cmp.Or(o.MemoryMiB, 2048)
	return o
}

// files are the paths that a machine needs besides its disks.
type files struct {
	monitor string // QMP's socket
	code    string // UEFI firmware, read only
	vars    string // this machine's copy of the UEFI variables
}

// args returns QEMU's arguments. They are the same for the same input.
func (o Options) args(f files) ([]string, error) {
	for _, key := range o.AuthorizedKeys {
		if strings.ContainsAny(key, "\n") {
			return nil, errors.New("an authorized key has more than one line")
		}
	}
	args := []Arg{
		{"-name", optlist.Of("").With("guest", o.Name).String()},
		{"-nodefaults", ""}, {"-no-user-config", ""}, {"-display", "none"},
		o.display(),
		{"-machine", optlist.Of(cmp.Or(o.Machine, o.Arch.Machine)).With("accel", string(o.Accelerator)).String()},
		{"-cpu", o.cpu()},
		{"-smp", o.smp()},
		{"-m", strconv.Itoa(o.MemoryMiB)},
		{"-device", "virtio-rng-pci"},
		{"-qmp", optlist.Of("unix:"+f.monitor).With("server", "on").With("wait", "off").String()},
	}
	args = append(args, o.firmwareArgs(f)...)
	args = append(args, o.diskArgs()...)
	args = append(args, o.networkArgs()...)
	args = append(args, o.credentialArgs()...)
	if o.Console != "" {
		console := optlist.Of("file").With("id", "console").File("path", o.Console)
		args = append(args, Arg{"-chardev", console.String()}, Arg{"-serial", "chardev:console"})
	}
	// Last, so that the guest's other devices stay where they were.
	args = append(args, Arg{"-device", "pvpanic-pci"}, Arg{"-action", "panic=none"})
	return append(words(replace(args, o.Replace)), o.Extra...), nil
}

func (o Options) display() Arg {
	if o.VGA != "" {
		return Arg{"-vga", o.VGA}
	}
	flag, value, _ := strings.Cut(o.Arch.Display, " ")
	return Arg{flag, value}
}

func (o Options) smp() string {
	list := optlist.Of(strconv.Itoa(o.CPUs))
	for _, part := range []struct {
		name  string
		count int
	}{{"sockets", o.Topology.Sockets}, {"cores", o.Topology.Cores}, {"threads", o.Topology.Threads}} {
		if part.count > 0 {
			list.With(part.name, strconv.Itoa(part.count))
		}
	}
	return list.String()
}

func (o Options) cpu() string {
	if o.CPU != "" {
		return o.CPU
	}
	if o.Accelerator == KVM {
		return "host"
	}
	// Not "max,svm=off", though nobody needs svm: with QEMU 7.2 and Linux 6.1
	// some guests stood still while they booted.
	return "max"
}

func (o Options) firmwareArgs(f files) []Arg {
	if o.Firmware != UEFI {
		return nil
	}
	flash := func() *optlist.List { return optlist.Of("").With("if", "pflash").With("format", "raw") }
	return []Arg{
		{"-drive", flash().With("readonly", "on").File("file", f.code).String()},
		{"-drive", flash().File("file", f.vars).String()},
	}
}

// netID is the name of the guest's network, which is that of HashiCorp's builder: arguments
// that were written for it name it so.
const netID = "user.0"

func (o Options) networkArgs() []Arg {
	netdev := optlist.Of("user").With("id", netID)
	if o.Isolated {
		netdev.With("restrict", "on")
	}
	for _, port := range o.Forward {
		// Port 0 makes QEMU choose one; see [VM.Addr].
		netdev.With("hostfwd", fmt.Sprintf("tcp:127.0.0.1:%d-:%d", o.HostPorts[port], port))
	}
	device := optlist.Of(cmp.Or(o.NIC, "virtio-net-pci")).With("netdev", netID)
	if o.NIC == "" {
		device.With("romfile", "") // nobody boots from it
	}
	return []Arg{{"-netdev", netdev.String()}, {"-device", device.String()}}
}

func (o Options) credentialArgs() []Arg {
	if len(o.AuthorizedKeys) == 0 {
		return nil
	}
	keys := base64.StdEncoding.EncodeToString([]byte(strings.Join(o.AuthorizedKeys, "\n") + "\n"))
	credential := "io.systemd.credential.binary:ssh.authorized_keys.root=" + keys
	return []Arg{{"-smbios", optlist.Of("").With("type", "11").With("value", credential).String()}}
}
