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
)

// Binfmt is where the kernel is told which program runs programs of other architectures:
// https://docs.kernel.org/admin-guide/binfmt-misc.html.
const Binfmt = "/proc/sys/fs/binfmt_misc"

// ForeignError says that this host can't run the programs of another architecture, as
// making its base needs.
type ForeignError struct {
	Architecture string
	Mounted      bool // the kernel can be told, and was not
}

func (e *ForeignError) Error() string {
	try := "mount -t binfmt_misc binfmt_misc " + Binfmt
	if e.Mounted {
		try = "apt-get install " + strings.Join(emulators, " ")
	}
	return fmt.Sprintf("%s (try: %s)", e.what(), try)
}

func (e *ForeignError) what() string {
	return fmt.Sprintf("this host can't run programs of %s, as making a base of it needs", e.Architecture)
}

// emulators are the packages with what runs the programs.
var emulators = []string{"qemu-user-static", "binfmt-support"}

// Fault implements [fault.Reporter].
func (e *ForeignError) Fault() fault.Report {
	try := fault.To(fault.MountBinfmt)
	if e.Mounted {
		try = fault.To(fault.Install, emulators...)
	}
	return fault.Report{What: e.what(), Code: fault.Host, Try: try}
}

// CheckForeign returns a [*ForeignError] if this host can't run programs of an
// architecture, or a [*command.MissingError] if it can't be told.
func CheckForeign(ctx context.Context, architecture string) error {
	if architecture == runtime.GOARCH {
		return nil
	}
	err := command.Run(ctx, command.Cmd{Name: "arch-test", Args: []string{architecture}})
	if exit := (*command.ExitError)(nil); !errors.As(err, &exit) {
		return err
	}
	_, err = os.Stat(Binfmt + "/status")
	return &ForeignError{Architecture: architecture, Mounted: err == nil}
}
