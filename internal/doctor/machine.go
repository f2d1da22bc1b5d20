package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// binary is the program that runs guests.
const binary = "qemu-system-x86_64"

var versionNumber = regexp.MustCompile(`version ([0-9.]+)`)

func qemuVersion(ctx context.Context, _ Host) Finding {
	out, err := command.Output(ctx, command.Cmd{Name: binary, Args: []string{"--version"}})
	if err != nil {
		return missing(install("qemu-system-x86"), "%s", reason(err))
	}
	if match := versionNumber.FindSubmatch(out); match != nil {
		return ok("version %s", match[1])
	}
	return ok("%s", binary)
}

// accelerators times a small guest under each.
func accelerators(ctx context.Context, h Host) Finding {
	choice, err := accelerator.Choose(ctx, []qemu.Accelerator{qemu.KVM, qemu.TCG}, binary, h.Cache)
	if err != nil {
		return missing(install("qemu-system-x86"), "%s", reason(err))
	}
	if choice.Accelerated() {
		return ok("%s", choice)
	}
	cure, why := kvmCure(os.Open)
	return Finding{
		State: Slow, Text: choice.String() + why, Cure: cure,
		Cost: "guests run about ten times slower than with a KVM that works",
	}
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
	path, err := qemu.UEFIFirmware()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		r := missing(install("ovmf"), "no UEFI firmware")
		r.Cost = "images cannot be tested on UEFI"
		return r
	}
	return ok("%s", path)
}
