// Package accelerator finds out which of QEMU's accelerators is fastest on this
// host, by timing the same guest under each. That /dev/kvm opens says little:
// inside another virtual machine it may interpret every instruction.
package accelerator

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/optlist"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// bootSector is made from probe.S.
//
//go:embed probe.bin
var bootSector []byte

const (
	// success is QEMU's exit status when the boot sector writes 0x21 to
	// isa-debug-exit: the value doubled, plus one.
	success = 0x21<<1 | 1
	// firstLimit bounds the first candidate that is timed.
	firstLimit = 60 * time.Second
	// patience is how many times slower than the best one a candidate may
	// become before it is stopped.
	patience = 3
)

// Timing is how one candidate did.
type Timing struct {
	Accelerator qemu.Accelerator `json:"accelerator"`
	Time        time.Duration    `json:"time"`            // nanoseconds
	Stopped     bool             `json:"stopped"`         // it was given up after Time
	Fault       string           `json:"fault,omitempty"` // why it does not run at all
}

// String says in a few words how the candidate did.
func (r Timing) String() string {
	switch seconds := r.Time.Round(10 * time.Millisecond).Seconds(); {
	case r.Fault != "":
		return fmt.Sprintf("%s: %s", r.Accelerator, r.Fault)
	case r.Stopped:
		return fmt.Sprintf("%s over %.1f s", r.Accelerator, seconds)
	default:
		return fmt.Sprintf("%s %.2f s", r.Accelerator, seconds)
	}
}

// Choice is what was found.
type Choice struct {
	Accelerator qemu.Accelerator `json:"accelerator"`
	Results     []Timing         `json:"results"` // in the order of the candidates
	Cached      bool             `json:"-"`
}

// String names the choice and how all candidates did.
func (c Choice) String() string {
	words := make([]string, len(c.Results))
	for i, result := range c.Results {
		words[i] = result.String()
	}
	return fmt.Sprintf("%s (%s)", c.Accelerator, strings.Join(words, "; "))
}

// Accelerated tells whether guests run on the processor itself.
func (c Choice) Accelerated() bool { return c.Accelerator != qemu.TCG }

// NoneError says that no candidate runs.
type NoneError struct{ Results []Timing }

func (e *NoneError) Error() string {
	return "no accelerator runs a guest: " + Choice{Results: e.Results}.String()
}

// Fault implements [fault.Reporter].
func (e *NoneError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Host, Try: fault.To(fault.Diagnose)}
}

// Choose returns the first candidate that no later one beats. The outcome is
// kept until the host boots again or QEMU changes.
func Choose(ctx context.Context, candidates []qemu.Accelerator, binary string, c cache.Dir) (Choice, error) {
	var choice Choice
	if len(candidates) == 0 {
		return choice, errors.New("no accelerator to choose from")
	}
	key, err := hostKey(candidates, binary)
	if err != nil {
		return choice, err
	}
	dir, cached, err := c.Get(ctx, "accelerator", key, func(dir string) error {
		return probe(ctx, candidates, binary, dir)
	})
	if err != nil {
		return choice, err
	}
	content, err := os.ReadFile(filepath.Join(dir, "choice.json"))
	if err != nil {
		return choice, fmt.Errorf("reading the accelerator's cache: %w", err)
	}
	if err := json.Unmarshal(content, &choice); err != nil {
		return choice, fmt.Errorf("reading the accelerator's cache: %w", err)
	}
	choice.Cached = cached
	return choice, nil
}

func probe(ctx context.Context, candidates []qemu.Accelerator, binary, dir string) error {
	results, err := measure(ctx, candidates, binary, dir)
	if err != nil {
		return err
	}
	best, ok := pick(results)
	if !ok {
		return &NoneError{Results: results}
	}
	content, err := json.Marshal(Choice{Accelerator: best, Results: results})
	if err != nil {
		return fmt.Errorf("keeping the accelerator: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "choice.json"), content, 0o644); err != nil {
		return fmt.Errorf("keeping the accelerator: %w", err)
	}
	return nil
}

// measure times the candidates, last one first: the last is what one falls
// back to, so it bounds how long the others may take.
func measure(ctx context.Context, candidates []qemu.Accelerator, binary, dir string) ([]Timing, error) {
	disk := filepath.Join(dir, "probe.img")
	if err := os.WriteFile(disk, bootSector, 0o644); err != nil {
		return nil, fmt.Errorf("writing the accelerator's probe: %w", err)
	}
	results := make([]Timing, len(candidates))
	limit := firstLimit
	for i, candidate := range slices.Backward(candidates) {
		result, err := run(ctx, candidate, binary, disk, limit)
		if err != nil {
			return nil, err
		}
		results[i] = result
		if result.Fault == "" && !result.Stopped {
			limit = min(limit, patience*result.Time)
		}
	}
	return results, nil
}

// run times one candidate. Its error is about the host or ctx, not about the
// candidate.
func run(ctx context.Context, candidate qemu.Accelerator, binary, disk string, limit time.Duration) (Timing, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	err := command.Run(limited, command.Cmd{Name: binary, Args: Args(candidate, disk)})
	result := Timing{Accelerator: candidate, Time: time.Since(start)}
	var exit *command.ExitError
	switch {
	case ctx.Err() != nil:
		return result, fmt.Errorf("timing accelerators: %w", context.Cause(ctx))
	case limited.Err() != nil:
		result.Stopped = true
	case errors.As(err, &exit) && exit.Code == success:
	case errors.As(err, &exit):
		result.Fault = firstLine(exit.Stderr)
	case err != nil:
		return result, fmt.Errorf("timing accelerators: %w", err)
	default:
		result.Fault = "the guest ended without an answer"
	}
	return result, nil
}

// Args returns QEMU's arguments for timing one accelerator.
func Args(candidate qemu.Accelerator, disk string) []string {
	cpu := "max"
	if candidate == qemu.KVM {
		cpu = "host"
	}
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none",
		"-machine", optlist.Of("pc").With("accel", string(candidate)).String(), "-cpu", cpu, "-m", "16",
		"-drive", optlist.Of("").With("if", "ide").With("format", "raw").With("snapshot", "on").File("file", disk).String(),
		"-device", optlist.Of("isa-debug-exit").With("iobase", "0xf4").With("iosize", "1").String(),
	}
}

// pick returns the first candidate that ran and that no later one beat.
func pick(results []Timing) (qemu.Accelerator, bool) {
	var best *Timing
	for i := range slices.Backward(results) {
		r := &results[i]
		if r.Fault == "" && !r.Stopped && (best == nil || r.Time <= best.Time) {
			best = r
		}
	}
	if best == nil {
		return "", false
	}
	return best.Accelerator, true
}

// hostKey is the same until the host boots or QEMU is replaced.
func hostKey(candidates []qemu.Accelerator, binary string) (string, error) {
	path, err := command.Look(binary)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("looking at %s: %w", path, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading this boot's id: %w", err)
	}
	return cache.Key(string(boot), path, info.ModTime().UTC().String(), fmt.Sprint(candidates), string(bootSector)), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
