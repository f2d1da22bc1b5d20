// Package accelerator finds out which of QEMU's accelerators is fastest on this
// host, by timing the same guest under each. That /dev/kvm opens says little:
// inside another virtual machine it may interpret every instruction.
package accelerator

import (
	"cmp"
	"context"
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
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

const (
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

// Choose returns the first candidate that no later one beats, for guests of an
// architecture. binary is the program that runs them; "" is the architecture's. The outcome
// is kept until the host boots again or QEMU changes.
func Choose(ctx context.Context, candidates []qemu.Accelerator, a arch.Arch, binary string, c cache.Dir) (Choice, error) {
	var choice Choice
	if len(candidates) == 0 {
		return choice, errors.New("no accelerator to choose from")
	}
	p := probes[a.Name]
	p.binary = cmp.Or(binary, a.Emulator())
	key, err := hostKey(candidates, p)
	if err != nil {
		return choice, err
	}
	dir, cached, err := c.Get(ctx, "accelerator", key, func(dir string) error {
		return choose(ctx, candidates, p, dir)
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

func choose(ctx context.Context, candidates []qemu.Accelerator, p probe, dir string) error {
	results, err := measure(ctx, candidates, p, dir)
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
func measure(ctx context.Context, candidates []qemu.Accelerator, p probe, dir string) ([]Timing, error) {
	file := filepath.Join(dir, "probe.img")
	if err := os.WriteFile(file, p.program, 0o644); err != nil {
		return nil, fmt.Errorf("writing the accelerator's probe: %w", err)
	}
	results := make([]Timing, len(candidates))
	limit := firstLimit
	for i, candidate := range slices.Backward(candidates) {
		result, err := p.time(ctx, candidate, file, limit)
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
func hostKey(candidates []qemu.Accelerator, p probe) (string, error) {
	path, err := command.Look(p.binary)
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
	return cache.Key(string(boot), path, info.ModTime().UTC().String(), fmt.Sprint(candidates), string(p.program)), nil
}
