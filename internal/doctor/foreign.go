package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// foreign looks for what images of other architectures than this host's need.
func foreign(ctx context.Context, _ Host) Finding {
	var names []string
	for _, a := range arch.Foreign() {
		cost := "no image of " + a.Name + " can be built"
		packages := lacking(a)
		refused := (*bootstrap.ForeignError)(nil)
		err := bootstrap.CheckForeign(ctx, a.Name)
		switch {
		case len(packages) > 0:
			return Finding{State: Absent, Text: a.Name + " needs more programs", Cost: cost, Cure: install(packages...)}
		case errors.As(err, &refused):
			return Finding{State: Absent, Text: reason(err), Cost: cost, Cure: refused.Try()}
		case err != nil:
			return Finding{State: Absent, Text: reason(err), Cost: cost}
		}
		names = append(names, a.Name)
	}
	return ok("%s, emulated", strings.Join(names, ", "))
}

// lacking returns the packages that are not here.
func lacking(a arch.Arch) []string {
	var packages []string
	if _, err := command.Look(a.Emulator()); err != nil {
		packages = append(packages, a.Package)
	}
	if _, err := qemu.UEFIFirmware(a); err != nil {
		packages = append(packages, a.Firmware)
	}
	for _, program := range []string{"arch-test", "update-binfmts", "qemu-" + a.QEMU + "-static"} {
		if missing := (*command.MissingError)(nil); errors.As(look(program), &missing) {
			packages = append(packages, missing.Package)
		}
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

func look(program string) error {
	_, err := command.Look(program)
	return err
}
