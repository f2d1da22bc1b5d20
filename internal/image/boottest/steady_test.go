package boottest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// failing returns a test that fails so often, and leaves evidence.
func failing(times int, check Check) (once func(context.Context, Spec) (Report, error), runs *int) {
	runs = new(int)
	return func(_ context.Context, spec Spec) (Report, error) {
		*runs++
		report := Report{Checks: []Check{{Name: "a", OK: true}}}
		if err := os.MkdirAll(spec.Evidence, 0o755); err != nil {
			return report, err
		}
		if err := os.WriteFile(filepath.Join(spec.Evidence, "run"), []byte{byte('0' + *runs)}, 0o644); err != nil {
			return report, err
		}
		if *runs > times {
			return report, writeReport(spec.Evidence, report)
		}
		report.Checks = append(report.Checks, check)
		return report, &FailedError{Failed: []Check{check}, Total: 2, Evidence: spec.Evidence}
	}, runs
}

func TestSecondTry(t *testing.T) {
	crashed := Check{Boot: "uefi", Name: steadyCheck, Detail: "jetty9 was restarted once: SIGSEGV (0xb)"}
	for name, test := range map[string]struct {
		check       Check
		times, runs int
		passes      bool
	}{
		"passes":            {crashed, 0, 1, true},
		"crashed once":      {crashed, 1, 2, true},
		"crashed twice":     {crashed, 2, 2, false},
		"the image's fault": {Check{Name: "AmiGO answers", Detail: "status 500"}, 9, 1, false},
		"ssh broke off":     {Check{Name: steadyCheck, Detail: "EOF"}, 9, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			once, runs := failing(test.times, test.check)
			spec := Spec{Evidence: filepath.Join(t.TempDir(), "boot-test"), CPUs: 1 << 20} // the host counts as idle
			report, err := runTwice(t.Context(), spec, once)
			if *runs != test.runs || (err == nil) != test.passes || err != nil && !errors.As(err, new(*FailedError)) {
				t.Errorf("%d runs, %v", *runs, err)
			}
			if second := test.runs == 2; second != (report.FirstTry != nil) {
				t.Fatalf("%+v", report)
			} else if !second {
				return
			}
			first, err := os.ReadFile(filepath.Join(spec.Evidence, FirstTryDir, "run"))
			if err != nil || string(first) != "1" {
				t.Errorf("the first evidence: %q, %v", first, err)
			}
			kept, err := os.ReadFile(filepath.Join(spec.Evidence, ReportName))
			if err != nil || !strings.Contains(string(kept), `"why": "uefi: jetty9 was restarted once: SIGSEGV (0xb)"`) {
				t.Errorf("the report: %s, %v", kept, err)
			}
		})
	}
}

func TestAgainOnAnOverloadedHost(t *testing.T) {
	failed := []Check{{Name: "AmiGO answers", Detail: "no answer"}}
	if why := again(failed, float64(runtime.NumCPU())+1, ""); !strings.Contains(why, "overloaded") {
		t.Errorf("%q", why)
	}
	if why := again(failed, 0, ""); why != "" {
		t.Errorf("%q", why)
	}
}

func TestAgainWhenOneOfTwoMachinesDidNotComeUp(t *testing.T) {
	up := func(boot string, ok bool) Check { return Check{Boot: boot, Name: arrivalCheck, OK: ok} }
	for name, test := range map[string]struct {
		checks []Check
		want   string
	}{
		"one did not":  {[]Check{up("bios", false), up("uefi-seed", true)}, "bios: the machine did not come up, though the one of uefi-seed did"},
		"none did":     {[]Check{up("bios", false), up("uefi-seed", false)}, ""},
		"both did":     {[]Check{up("bios", true), up("uefi-seed", true), {Boot: "bios", Name: "AmiGO answers"}}, ""},
		"the only one": {[]Check{up("bios", false)}, ""},
	} {
		if why := again(test.checks, 0, ""); why != test.want {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestAgainWhenTheMachineStoodStill(t *testing.T) {
	for console, stood := range map[string]bool{
		"[  120.1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n":         true,
		"[   90.0] rcu: INFO: rcu_sched self-detected stall on CPU\n":               true,
		"[    2.099488] Kernel panic - not syncing: Fatal exception in interrupt\n": true,
		"watchdog: BUG: soft lockup - CPU#0 stuck for 108s!\n":                      true,
		"[    1.0] rcu: Hierarchical RCU implementation.\namigo login: ":            false,
		"": false,
	} {
		evidence := t.TempDir()
		if err := os.Mkdir(filepath.Join(evidence, "uefi"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(evidence, "uefi", consoleName), []byte(console), 0o644); err != nil {
			t.Fatal(err)
		}
		why := again([]Check{{Name: "AmiGO answers", Detail: "no answer"}}, 0, stalled(evidence))
		if strings.HasPrefix(why, "uefi: ") != stood {
			t.Errorf("%q: %q", console, why)
		}
	}
}
