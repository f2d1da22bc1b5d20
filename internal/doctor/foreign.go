package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// foreign looks for what images of other architectures than this host's need.
func foreign(ctx context.Context, _ Host) Finding {
	var names []string
	for _, a := range arch.Foreign() {
		cost := "no image of " + a.Name + " can be built"
		if packages := lacking(ctx, a); len(packages) > 0 {
			return Finding{State: Absent, Text: a.Name + " needs more programs", Cost: cost, Cure: install(packages...)}
		}
		if err := bootstrap.CheckForeign(ctx, a.Name); err != nil {
			return Finding{State: Absent, Text: reason(err), Cost: cost, Cure: mountBinfmt}
		}
		names = append(names, a.Name)
	}
	return ok("%s, emulated", strings.Join(names, ", "))
}

// mountBinfmt lets the kernel be told what runs other architectures' programs.
const mountBinfmt = "mount -t binfmt_misc binfmt_misc " + bootstrap.Binfmt

// lacking returns the packages that are not here.
func lacking(ctx context.Context, a arch.Arch) []string {
	var packages []string
	if _, err := command.Look(a.Emulator()); err != nil {
		packages = append(packages, a.Package)
	}
	if _, err := qemu.UEFIFirmware(a); err != nil {
		packages = append(packages, a.Firmware)
	}
	err := bootstrap.CheckForeign(ctx, a.Name)
	if missing := (*command.MissingError)(nil); errors.As(err, &missing) {
		packages = append(packages, missing.Package)
	}
	if report := fault.Of(err); err != nil && report.Try.Action == fault.Install {
		packages = append(packages, report.Try.On...)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}
