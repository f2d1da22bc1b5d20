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
	// Extra arguments come after all others.
	Extra []string
}

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
	args := []string{
		"-name", optlist.Of("").With("guest", o.Name).String(),
		"-nodefaults", "-no-user-config", "-display", "none",
	}
	args = append(args, strings.Fields(o.Arch.Display)...)
	args = append(args,
		"-machine", optlist.Of(o.Arch.Machine).With("accel", string(o.Accelerator)).String(),
		"-cpu", o.cpu(),
		"-smp", strconv.Itoa(o.CPUs),
		"-m", strconv.Itoa(o.MemoryMiB),
		"-device", "virtio-rng-pci",
		"-qmp", optlist.Of("unix:"+f.monitor).With("server", "on").With("wait", "off").String(),
	)
	args = append(args, o.firmwareArgs(f)...)
	args = append(args, o.diskArgs()...)
	args = append(args, o.networkArgs()...)
	args = append(args, o.credentialArgs()...)
	if o.Console != "" {
		console := optlist.Of("file").With("id", "console").File("path", o.Console)
		args = append(args, "-chardev", console.String(), "-serial", "chardev:console")
	}
	// Last, so that the guest's other devices stay where they were.
	args = append(args, "-device", "pvpanic-pci", "-action", "panic=none")
	return append(args, o.Extra...), nil
}

func (o Options) cpu() string {
	if o.Accelerator == KVM {
		return "host"
	}
	// Not "max,svm=off", though nobody needs svm: with QEMU 7.2 and Linux 6.1
	// some guests stood still while they booted.
	return "max"
}

func (o Options) firmwareArgs(f files) []string {
	if o.Firmware != UEFI {
		return nil
	}
	flash := func() *optlist.List { return optlist.Of("").With("if", "pflash").With("format", "raw") }
	return []string{
		"-drive", flash().With("readonly", "on").File("file", f.code).String(),
		"-drive", flash().File("file", f.vars).String(),
	}
}

func (o Options) diskArgs() []string {
	var args []string
	for i, disk := range o.Disks {
		id := "disk" + strconv.Itoa(i)
		drive := optlist.Of("").With("if", "none").With("id", id).With("format", disk.Format).
			With("discard", "unmap").With("detect-zeroes", "unmap").With("cache", disk.cache()).
			With("werror", "stop").With("rerror", "stop").File("file", disk.Path)
		switch {
		case disk.ReadOnly:
			drive.With("readonly", "on")
		case disk.Snapshot:
			drive.With("snapshot", "on")
		}
		device := optlist.Of("virtio-blk-pci").With("drive", id).With("bootindex", strconv.Itoa(i+1))
		args = append(args, "-drive", drive.String(), "-device", device.String())
	}
	if o.Seed != "" {
		drive := optlist.Of("").With("if", "none").With("id", "seed").With("format", "raw").With("readonly", "on").File("file", o.Seed)
		args = append(args, "-drive", drive.String(), "-device", optlist.Of("virtio-blk-pci").With("drive", "seed").String())
	}
	return args
}

// cache is "unsafe" (no flush to the medium) where nobody keeps the writes.
func (d Disk) cache() string {
	if d.Snapshot || d.Scratch {
		return "unsafe"
	}
	return "writeback"
}

func (o Options) networkArgs() []string {
	netdev := optlist.Of("user").With("id", "net0")
	if o.Isolated {
		netdev.With("restrict", "on")
	}
	for _, port := range o.Forward {
		// Port 0 makes QEMU choose one; see [VM.Addr].
		netdev.With("hostfwd", fmt.Sprintf("tcp:127.0.0.1:%d-:%d", o.HostPorts[port], port))
	}
	device := optlist.Of("virtio-net-pci").With("netdev", "net0").With("romfile", "")
	return []string{"-netdev", netdev.String(), "-device", device.String()}
}

func (o Options) credentialArgs() []string {
	if len(o.AuthorizedKeys) == 0 {
		return nil
	}
	keys := base64.StdEncoding.EncodeToString([]byte(strings.Join(o.AuthorizedKeys, "\n") + "\n"))
	credential := "io.systemd.credential.binary:ssh.authorized_keys.root=" + keys
	return []string{"-smbios", optlist.Of("").With("type", "11").With("value", credential).String()}
}
