// Package arch is the table of machines by architecture: how QEMU calls them, what they
// have, and what boots them.
package arch

import (
	"errors"
	"runtime"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

// Arch is an architecture.
type Arch struct {
	Name     string // as Go and Debian have it: "amd64"
	QEMU     string // as QEMU has it: "x86_64"
	Package  string // of Debian with QEMU for it
	Machine  string // QEMU's board
	Board    string // what versioned names of the board begin with, in descriptors of firmware
	Display  string // QEMU's arguments for a screen
	BIOS     bool   // it boots without UEFI, too
	Firmware string // package of Debian with UEFI's
	Console  string // of Linux, the serial port
	// RootType is the type of a root partition, by the Discoverable Partitions
	// Specification: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
	RootType string
	GRUB     string // its platform for UEFI
	Loader   string // the file that UEFI starts from a medium
}

// AMD64 and ARM64 are the architectures that there are.
var (
	AMD64 = Arch{
		Name: "amd64", QEMU: "x86_64", Package: "qemu-system-x86", Machine: "q35", Board: "pc-q35",
		Display: "-vga std", BIOS: true, Firmware: "ovmf", Console: "ttyS0",
		RootType: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", GRUB: "x86_64-efi", Loader: "BOOTX64.EFI",
	}
	ARM64 = Arch{
		Name: "arm64", QEMU: "aarch64", Package: "qemu-system-arm", Machine: "virt", Board: "virt-",
		Display:  "-device ramfb", // the kernel for virtual machines has no driver of virtio-gpu
		Firmware: "qemu-efi-aarch64", Console: "ttyAMA0",
		RootType: "B921B045-1DF0-41C3-AF44-4C6F280D3FAE", GRUB: "arm64-efi", Loader: "BOOTAA64.EFI",
	}
)

var all = []Arch{AMD64, ARM64}

// Emulator is the name of QEMU's program.
func (a Arch) Emulator() string { return "qemu-system-" + a.QEMU }

// Own is this host's, or [AMD64] where it is none of those that there are.
func Own() Arch {
	if a, err := Find(runtime.GOARCH); err == nil {
		return a
	}
	return AMD64
}

// Foreign returns those that are not this host's own.
func Foreign() []Arch {
	return slices.DeleteFunc(slices.Clone(all), func(a Arch) bool { return a == Own() })
}

// Names returns the names of those that there are.
func Names() []string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.Name
	}
	return names
}

// Find returns an architecture by its name. The error names those that there are.
func Find(name string) (Arch, error) {
	i := slices.IndexFunc(all, func(a Arch) bool { return a.Name == name })
	if i < 0 {
		return Arch{}, errors.New(nearest.Unknown(name, Names()))
	}
	return all[i], nil
}
