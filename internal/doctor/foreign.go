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
		if text, cure := lacks(ctx, a); text != "" {
			return Finding{State: Absent, Text: text, Cost: "no image of " + a.Name + " can be built", Cure: cure}
		}
		names = append(names, a.Name)
	}
	return ok("%s, emulated", strings.Join(names, ", "))
}

// lacks says what this host needs for an architecture, and the command for it. One command
// installs all programs.
func lacks(ctx context.Context, a arch.Arch) (text, cure string) {
	var packages []string
	if _, err := command.Look(a.Emulator()); err != nil {
		packages = append(packages, a.Package)
	}
	if _, err := qemu.UEFIFirmware(a); err != nil {
		packages = append(packages, a.Firmware)
	}
	err := bootstrap.CheckForeign(ctx, a.Name)
	missing, refused := (*command.MissingError)(nil), (*bootstrap.ForeignError)(nil)
	switch {
	case errors.As(err, &missing):
		packages = append(append(packages, missing.Package), bootstrap.Emulators...)
	case errors.As(err, &refused) && !refused.Installed:
		packages = append(packages, bootstrap.Emulators...)
	}
	switch {
	case len(packages) > 0:
		slices.Sort(packages)
		return a.Name + " needs more programs", install(slices.Compact(packages)...)
	case refused != nil:
		return reason(err), refused.Try()
	case err != nil:
		return reason(err), ""
	}
	return "", ""
}
