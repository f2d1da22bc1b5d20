// Package boottest starts an image and looks at it from outside, as somebody
// would who was given it: does it boot on each firmware, does it serve AmiGO
// and GOlr, is closed what must be closed, does it shut down. The image is
// never written to.
package boottest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Variant is the kind of image; each has its own checks.
type Variant string

// The variants.
const (
	Distribution Variant = "distribution"
	Production   Variant = "production"
)

// Recipe is the version of the checks and of what is kept of them. It changes
// when they do, so that an image that passed older ones is tested again.
const Recipe = "7"

// Phase is the name of the phase that a test reports as.
const Phase = "boot test"

// Spec says what to test and how.
type Spec struct {
	Image       string // path of a qcow2 file
	Data        string // path of a raw disk with the data, if they are not in the image
	Variant     Variant
	Arch        arch.Arch
	Firmwares   []qemu.Firmware // none: all that the architecture has
	Accelerator qemu.Accelerator
	CPUs        int
	MemoryMiB   int
	// Evidence is the directory that gets consoles, screens, responses and
	// journals. It is made, and left to the caller.
	Evidence string
	// Kept is where the caller moves the evidence of an image that does not pass;
	// "" is Evidence.
	Kept string
	// Limits that are zero fit the accelerator.
	Limits machine.Limits
}

// Check is the outcome of one check.
type Check struct {
	Boot   string `json:"boot"` // "bios", "uefi", "uefi with a seed", or "all"
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Report is what a test found.
type Report struct {
	Checks []Check         `json:"checks"`
	Boots  []manifest.Boot `json:"boots"`
	// FirstTry is what failed before, if the test was made twice.
	FirstTry *FirstTry `json:"first_try,omitempty"`
	Facts    Facts     `json:"-"`
}

// FailedError says that an image did not pass its test.
type FailedError struct {
	Failed   []Check
	Total    int
	Evidence string // directory
}

// shown is how many failed checks an error names.
const shown = 3

func (e *FailedError) Error() string {
	text := fmt.Sprintf("%d of %d checks failed", len(e.Failed), e.Total)
	for i, check := range e.Failed {
		if i == shown {
			text += "; ..."
			break
		}
		text += fmt.Sprintf("; %s: %s: %s", check.Boot, check.Name, check.Detail)
	}
	return text + " (evidence: " + e.Evidence + ")"
}

// Fault implements [fault.Reporter].
func (e *FailedError) Fault() fault.Report {
	var lines []string
	for _, check := range e.Failed {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", check.Boot, check.Name, fault.Short(check.Detail, fault.Longest)))
	}
	return fault.Report{
		What:  fmt.Sprintf("%d of %d checks of the image failed", len(e.Failed), e.Total),
		Where: strings.Join(lines, "\n"), Code: fault.Test, Try: fault.To(fault.LookAtEvidence, e.Evidence),
	}
}

// Run boots the image once for each boot that its variant needs, all at the
// same time, and checks each. The error of an image that does not pass is a
// [*FailedError]. A test that failed because something that serves died, or on
// a host that was overloaded, is repeated automatically.
func Run(ctx context.Context, spec Spec, sink event.Sink) (Report, error) {
	spec = spec.withDefaults()
	phase := event.Start(sink, Phase, fmt.Sprintf("%s, %s", filepath.Base(spec.Image), spec.Accelerator))
	report, err := runTwice(ctx, spec, func(ctx context.Context, spec Spec) (Report, error) {
		report, err := run(ctx, spec, phase)
		if failed := (*FailedError)(nil); errors.As(err, &failed) {
			phase.Say(fmt.Sprintf("%d of %d checks failed", len(failed.Failed), failed.Total))
		}
		return report, err
	})
	summary := fmt.Sprintf("%d checks passed", len(report.Checks))
	if report.FirstTry != nil {
		summary += ", second try (" + report.FirstTry.Why + ")"
	}
	return report, phase.End(event.OK, summary, err)
}

func run(ctx context.Context, spec Spec, phase *event.Phase) (Report, error) {
	if err := os.MkdirAll(spec.Evidence, 0o755); err != nil {
		return Report{}, fmt.Errorf("making a directory for evidence: %w", err)
	}
	boots := spec.boots()
	found := make([]findings, len(boots))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrent)
	for i, boot := range boots {
		group.Go(func() (err error) {
			found[i], err = test(ctx, spec, boot, phase)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Report{}, err
	}
	report := merge(found)
	return report, errors.Join(writeReport(spec.Evidence, report), verdict(report, spec.Kept))
}

// concurrent is how many machines run at a time: more would not be faster on
// the two processors that builds are made for.
const concurrent = 2

// boot is one start of the image.
type boot struct {
	firmware qemu.Firmware
	seed     bool // with a NoCloud seed
	whole    bool // with what neither the firmware nor a seed can change
}

// String returns the boot's name, which is also that of its directory.
func (b boot) String() string {
	if b.seed {
		return string(b.firmware) + "-seed"
	}
	return string(b.firmware)
}

// boots returns the starts that the variant needs. A production image is
// started with and without a configuration from its platform. The first is
// looked at as a whole.
func (s Spec) boots() []boot {
	var boots []boot
	for _, firmware := range s.Firmwares {
		boots = append(boots, boot{firmware: firmware, whole: len(boots) == 0})
	}
	if s.Variant != Production {
		return boots
	}
	if len(boots) == 1 {
		return append(boots, boot{firmware: boots[0].firmware, seed: true})
	}
	boots[len(boots)-1].seed = true
	return boots
}

func (s Spec) withDefaults() Spec {
	if s.Arch.Name == "" {
		s.Arch = arch.AMD64
	}
	if len(s.Firmwares) == 0 {
		s.Firmwares = qemu.Firmwares(s.Arch)
	}
	if s.Accelerator == "" {
		s.Accelerator = qemu.TCG
	}
	s.Kept = cmp.Or(s.Kept, s.Evidence)
	s.Limits = s.Limits.Or(machine.LimitsOf(s.Accelerator))
	return s
}

// merge puts the boots' findings together, in the order of the boots, with
// what only a comparison of boots can tell.
func merge(machines []findings) Report {
	var report Report
	for _, m := range machines {
		report.Checks = append(report.Checks, m.checks...)
		report.Boots = append(report.Boots, m.times)
		if report.Facts.About.AmiGO.Version == "" {
			report.Facts = m.facts
		}
	}
	report.Checks = append(report.Checks, compare(machines)...)
	return report
}

func verdict(report Report, evidence string) error {
	failed := slices.DeleteFunc(slices.Clone(report.Checks), func(c Check) bool { return c.OK })
	if len(failed) == 0 {
		return nil
	}
	return &FailedError{Failed: failed, Total: len(report.Checks), Evidence: evidence}
}
