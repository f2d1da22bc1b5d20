package accelerator

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/optlist"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

//go:embed probe-amd64.bin
var bootSector []byte

//go:embed probe-arm64.bin
var kernel []byte

// probe is the guest that is timed: a program that ends QEMU when it is through.
type probe struct {
	binary  string // of QEMU
	program []byte
	success int // QEMU's exit status when the program is through
	args    func(candidate qemu.Accelerator, file string) []string
}

// probes are by architecture.
var probes = map[string]probe{
	// The boot sector writes 0x21 to isa-debug-exit, which doubles it and adds one.
	"amd64": {program: bootSector, success: 0x21<<1 | 1, args: bootSectorArgs},
	"arm64": {program: kernel, success: 0, args: kernelArgs},
}

func bootSectorArgs(candidate qemu.Accelerator, file string) []string {
	return append(probeArgs("pc", candidate),
		"-drive", optlist.Of("").With("if", "ide").With("format", "raw").With("snapshot", "on").File("file", file).String(),
		"-device", optlist.Of("isa-debug-exit").With("iobase", "0xf4").With("iosize", "1").String(),
	)
}

func kernelArgs(candidate qemu.Accelerator, file string) []string {
	return append(probeArgs("virt", candidate), "-kernel", file)
}

func probeArgs(machine string, candidate qemu.Accelerator) []string {
	cpu := "max"
	if candidate == qemu.KVM {
		cpu = "host"
	}
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", optlist.Of(machine).With("accel", string(candidate)).String(), "-cpu", cpu, "-m", "16",
	}
}

// time runs the guest under one candidate. Its error is about the host or ctx, not about
// the candidate.
func (p probe) time(ctx context.Context, candidate qemu.Accelerator, file string, limit time.Duration) (Timing, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	err := command.Run(limited, command.Cmd{Name: p.binary, Args: p.args(candidate, file)})
	result := Timing{Accelerator: candidate, Time: time.Since(start)}
	var exit *command.ExitError
	switch {
	case ctx.Err() != nil:
		return result, fmt.Errorf("timing accelerators: %w", context.Cause(ctx))
	case limited.Err() != nil:
		result.Stopped = true
	case err == nil && p.success == 0, errors.As(err, &exit) && exit.Code == p.success:
	case exit != nil:
		result.Fault = firstLine(exit.Stderr)
	case err != nil:
		return result, fmt.Errorf("timing accelerators: %w", err)
	default:
		result.Fault = "the guest ended without an answer"
	}
	return result, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
