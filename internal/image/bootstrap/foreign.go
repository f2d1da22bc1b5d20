package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// binfmt is where the kernel is told which program runs programs of other architectures:
// https://docs.kernel.org/admin-guide/binfmt-misc.html.
const binfmt = "/proc/sys/fs/binfmt_misc"

// ForeignError says that this host can't run the programs of another architecture, as
// making its base needs.
type ForeignError struct {
	Architecture string
	Installed    bool // what runs the programs is here
	Mounted      bool // the kernel can be told of it, and was not
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s (try: %s)", e.what(), e.Try())
}

// Try is the command that helps.
func (e *ForeignError) Try() string {
	switch {
	case !e.Installed:
		return "apt-get install " + strings.Join(Emulators, " ")
	case !e.Mounted:
		return "mount -t binfmt_misc binfmt_misc " + binfmt
	default:
		return "update-binfmts --enable"
	}
}

func (e *ForeignError) what() string {
	return fmt.Sprintf("this host can't run programs of %s, as making a base of it needs", e.Architecture)
}

// Emulators are the packages with what runs the programs.
var Emulators = []string{"qemu-user-static", "binfmt-support"}

// Fault implements [fault.Reporter].
func (e *ForeignError) Fault() fault.Report {
	return fault.Report{What: e.what(), Code: fault.Host, Try: fault.To(fault.Advise, e.Try())}
}

// CheckForeign returns a [*ForeignError] if this host can't run programs of an
// architecture, or a [*command.MissingError] if it can't be told.
func CheckForeign(ctx context.Context, architecture string) error {
	if architecture == runtime.GOARCH {
		return nil
	}
	a, err := arch.Find(architecture)
	if err != nil {
		return err
	}
	err = command.Run(ctx, command.Cmd{Name: "arch-test", Args: []string{architecture}})
	if exit := (*command.ExitError)(nil); !errors.As(err, &exit) {
		return err
	}
	_, unmounted := os.Stat(binfmt + "/status")
	_, missing := command.Look("update-binfmts")
	if missing == nil {
		_, missing = command.Look("qemu-" + a.QEMU + "-static")
	}
	return &ForeignError{Architecture: architecture, Installed: missing == nil, Mounted: unmounted == nil}
}
