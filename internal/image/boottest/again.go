package boottest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
)

// FirstTry is a test that was repeated, since what failed may not have
// been the image's fault.
type FirstTry struct {
	Why    string  `json:"why"`
	Failed []Check `json:"failed"`
}

// FirstTryDir is the directory in the evidence that holds the first test's.
const FirstTryDir = "first-try"

// steadyCheck is the name of the check that nothing was restarted.
const steadyCheck = "nothing that serves was restarted"

// arrivalCheck is the name of the check that a machine comes up.
const arrivalCheck = "it boots and answers SSH"

// stall is what a Linux kernel says on the console when it or one of its processors
// gets no further.
var stall = regexp.MustCompile(`rcu: INFO: rcu_\w+ (?:self-)?detected|watchdog: BUG: soft lockup|Kernel panic - not syncing`)

// again says why a test that failed deserves a second one, or "". The image's
// own faults do not: they would be there again.
func again(checks []Check, foreignLoad float64, stalled string) string {
	for _, c := range checks {
		if !c.OK && c.Name == steadyCheck && strings.Contains(c.Detail, serving.Restarted) {
			return c.Boot + ": " + c.Detail
		}
	}
	if foreignLoad > float64(runtime.NumCPU()) {
		return fmt.Sprintf("the host was overloaded: other programs kept %.0f more processors busy than it has to spare", foreignLoad)
	}
	if stalled != "" {
		return stalled + ": the machine stood still, its kernel says on the console"
	}
	return absent(checks)
}

// absent says which machine did not come up although another of the same image
// did, or "". One that stands still once its console is quiet cannot say so.
func absent(checks []Check) string {
	var up, down string
	for _, c := range checks {
		switch {
		case c.Name != arrivalCheck:
		case c.OK:
			up = c.Boot
		default:
			down = c.Boot
		}
	}
	if up == "" || down == "" {
		return ""
	}
	return fmt.Sprintf("%s: the machine did not come up, though the one of %s did", down, up)
}

// stalled returns the name of a boot whose machine stood still, or "". QEMU before
// 8.1 can do that to any guest that it emulates.
func stalled(evidence string) string {
	consoles, err := filepath.Glob(filepath.Join(evidence, "*", consoleName))
	if err != nil {
		return ""
	}
	for _, name := range consoles {
		if f, err := os.Open(name); err == nil {
			found := stall.MatchReader(bufio.NewReader(f))
			_ = f.Close()
			if found {
				return filepath.Base(filepath.Dir(name))
			}
		}
	}
	return ""
}

// runTwice runs a test, and again if the first may have failed for no fault
// of the image. What both found is in the report and in the evidence.
func runTwice(ctx context.Context, spec Spec, once func(context.Context, Spec) (Report, error)) (Report, error) {
	load := watchLoad(ctx, float64(concurrent*max(spec.CPUs, 1)))
	report, err := once(ctx, spec)
	foreign := load()
	var failed *FailedError
	if !errors.As(err, &failed) {
		return report, err
	}
	why := again(report.Checks, foreign, stalled(spec.Evidence))
	if why == "" {
		return report, err
	}
	first := spec.Evidence + "." + FirstTryDir
	if err := os.Rename(spec.Evidence, first); err != nil {
		return report, fmt.Errorf("keeping the evidence of the first try: %w", err)
	}
	report, err = once(ctx, spec)
	report.FirstTry = &FirstTry{Why: why, Failed: failed.Failed}
	kept := os.Rename(first, filepath.Join(spec.Evidence, FirstTryDir))
	if ctx.Err() == nil && kept == nil {
		kept = writeReport(spec.Evidence, report)
	}
	return report, errors.Join(err, kept)
}

// loadPause is between two looks at the load.
const loadPause = 10 * time.Second

// watchLoad looks how busy the host is until the function that it returns is
// called, which says by how many runnable programs the load was above our own at
// the most.
func watchLoad(ctx context.Context, own float64) (most func() float64) {
	ctx, cancel := context.WithCancel(ctx)
	var highest float64
	var group sync.WaitGroup
	group.Go(func() {
		for {
			highest = max(highest, loadAverage()-own)
			select {
			case <-ctx.Done():
				return
			case <-time.After(loadPause):
			}
		}
	})
	return func() float64 {
		cancel()
		group.Wait()
		return highest
	}
}

// loadAverage is the kernel's of the last minute, or 0.
func loadAverage() float64 {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
