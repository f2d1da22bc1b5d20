package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/go-version"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// binary is the program that runs guests of this host's own architecture.
var binary = arch.Own().Emulator()

// emulatesSafely is the first version of QEMU in which several emulated processors
// may run code that one of them replaces: its commit deba78709ae8, "accel/tcg: Always
// lock pages before translation".
var emulatesSafely = version.Must(version.NewVersion("8.1"))

func qemuVersion(ctx context.Context, _ Host) Finding {
	found, err := qemu.Version(ctx, binary)
	if err != nil {
		return missing(install(arch.Own().Package), "%s", reason(err))
	}
	return ok("version %s", found)
}

// accelerators times a small guest under each.
func accelerators(ctx context.Context, h Host) Finding {
	choice, err := accelerator.Choose(ctx, []qemu.Accelerator{qemu.KVM, qemu.TCG}, arch.Own(), "", h.Cache)
	if err != nil {
		return missing(install(arch.Own().Package), "%s", reason(err))
	}
	if choice.Accelerated() {
		return ok("%s", choice)
	}
	cure, why := kvmCure(os.Open)
	found, err := qemu.Version(ctx, binary)
	if err != nil {
		return missing(install(arch.Own().Package), "%s", reason(err))
	}
	return Finding{State: Slow, Text: choice.String() + why, Cure: cure, Cost: emulationCost(found)}
}

// emulationCost tells what it means that a version of QEMU emulates guests.
func emulationCost(qemuVersion string) string {
	cost := "guests run about ten times slower than with a KVM that works"
	if v, err := version.NewVersion(qemuVersion); err == nil && v.LessThan(emulatesSafely) {
		cost += "; with a QEMU older than " + emulatesSafely.Original() + ", a guest on a busy host may freeze while it starts"
	}
	return cost
}

// kvmCure tells why /dev/kvm is of no use: it is not there, it may not be opened,
// or it is slower than emulation.
func kvmCure(open func(string) (*os.File, error)) (cure, why string) {
	f, err := open("/dev/kvm")
	switch {
	case err == nil:
		_ = f.Close()
		return "", "; this host is a virtual machine without nested virtualization"
	case errors.Is(err, os.ErrNotExist):
		return "modprobe -a kvm_intel kvm_amd", "; if that fails, switch virtualization on in the firmware"
	case errors.Is(err, os.ErrPermission):
		return "adduser $USER kvm", "; then log in again"
	default:
		return "", fmt.Sprintf("; %v", err)
	}
}

func firmware(context.Context, Host) Finding {
	path, err := qemu.UEFIFirmware(arch.Own())
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		r := missing(install(arch.Own().Firmware), "no UEFI firmware")
		r.Cost = "images cannot be tested on UEFI"
		return r
	}
	return ok("%s", path)
}
