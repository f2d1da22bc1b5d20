package nightly

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// staged is a night whose stages end as a test says.
type staged struct {
	built     Built
	build     error
	published bool
	publish   error
	prune     error
	clear     error
	cleared   bool
	hang      bool
	warnings  []string
	announced []layout.Night
}

func (s *staged) Build(ctx context.Context, _ event.Sink) (Built, error) {
	if s.hang {
		<-ctx.Done()
		return Built{}, ctx.Err()
	}
	return s.built, s.build
}

func (s *staged) Current(context.Context) (string, error) { return "2026-11-21", nil }

func (s *staged) Publish(context.Context, Built, event.Sink) (string, bool, error) {
	return "2026-11-22", s.published, s.publish
}

func (s *staged) Prune(context.Context, event.Sink) (string, error) { return "1 removed", s.prune }

func (s *staged) Clear(context.Context, event.Sink) (string, error) {
	s.cleared = true
	return "1 removed", s.clear
}

func (s *staged) Announce(_ context.Context, night layout.Night) ([]string, error) {
	s.announced = append(s.announced, night)
	return s.warnings, nil
}

func TestResults(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name    string
		stages  staged
		budget  time.Duration
		result  Outcome
		exit    int
		version string
	}{
		{"published", staged{published: true}, time.Minute, Published, fault.OK, "2026-11-22"},
		{"no change", staged{built: Built{Unchanged: true}}, time.Minute, NoChange, fault.Unchanged, "2026-11-22"},
		{"build", staged{build: broken}, time.Minute, BuildFailed, fault.Build, "2026-11-21"},
		{"test", staged{build: &boottest.FailedError{}}, time.Minute, TestFailed, fault.Test, "2026-11-21"},
		{"publish", staged{publish: broken}, time.Minute, PublishFailed, fault.Publish, "2026-11-21"},
		{"prune", staged{published: true, prune: broken}, time.Minute, Published, fault.OK, "2026-11-22"},
		{"cache", staged{published: true, clear: broken}, time.Minute, Published, fault.OK, "2026-11-22"},
		{"budget", staged{hang: true}, time.Millisecond, OverBudget, fault.Budget, "2026-11-21"},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := Settings{Channel: "nightly", Budget: test.budget, State: t.TempDir()}
			status := Run(t.Context(), plan, &test.stages, event.Discard)
			if status.Result != test.result || status.Exit != test.exit || status.Version != test.version {
				t.Errorf("%q, %d, %q; want %q, %d, %q", status.Result, status.Exit, status.Version, test.result, test.exit, test.version)
			}
			if len(test.stages.announced) != 1 || test.stages.announced[0].Result != string(test.result) {
				t.Errorf("the page says %+v", test.stages.announced)
			}
			if test.stages.cleared == (test.result == OverBudget) {
				t.Errorf("the cache was cleared: %v", test.stages.cleared)
			}
			if warned := test.stages.prune != nil || test.stages.clear != nil; warned != (len(status.Warnings) > 0) {
				t.Errorf("it warns of %q", status.Warnings)
			}
			written(t, plan.State, status)
		})
	}
}

// written checks that the reports are there and say the same.
func written(t *testing.T, state string, status Status) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(state, StatusFile))
	if err != nil {
		t.Fatal(err)
	}
	var read Status
	if err := json.Unmarshal(content, &read); err != nil || read.Result != status.Result || read.Finished.IsZero() {
		t.Errorf("%v: %s", err, content)
	}
	content, err = os.ReadFile(filepath.Join(state, ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	var suites junit.Testsuites
	if err := xml.Unmarshal(content, &suites); err != nil || suites.Tests < len(status.Phases) {
		t.Errorf("%v: %s", err, content)
	}
	if failed := status.Exit != fault.OK && status.Exit != fault.Unchanged; failed != (suites.Failures > 0) && len(status.Warnings) == 0 {
		t.Errorf("%d failures in %s", suites.Failures, content)
	}
}

// What the repository warns of is in the reports.
func TestWarnings(t *testing.T) {
	plan := Settings{Channel: "nightly", Budget: time.Minute, State: t.TempDir()}
	status := Run(t.Context(), plan, &staged{published: true, warnings: []string{"root is good until tomorrow only"}}, event.Discard)
	content, err := os.ReadFile(filepath.Join(plan.State, StatusFile))
	if err != nil || status.Exit != fault.OK || !strings.Contains(string(content), "root is good until tomorrow only") {
		t.Errorf("%d, %v: %s", status.Exit, err, content)
	}
}

func TestEvidenceIsKept(t *testing.T) {
	evidence := filepath.Join(t.TempDir(), "x.evidence")
	if err := os.MkdirAll(evidence, 0o755); err != nil {
		t.Fatal(err)
	}
	report := `{"checks":[{"boot":"bios","name":"a search finds a term","ok":false,"detail":"0 hits"}]}`
	if err := os.WriteFile(filepath.Join(evidence, boottest.ReportName), []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := Settings{Channel: "nightly", Budget: time.Minute, State: t.TempDir()}
	status := Run(t.Context(), plan, &staged{build: &boottest.FailedError{Evidence: evidence}}, event.Discard)
	if filepath.Dir(status.Evidence) != filepath.Join(plan.State, evidenceDir) {
		t.Errorf("the evidence is in %q", status.Evidence)
	}
	content, err := os.ReadFile(filepath.Join(plan.State, ReportFile))
	if err != nil || !strings.Contains(string(content), "0 hits") {
		t.Errorf("%v: %s", err, content)
	}
}

func TestChecksOfAGoodNight(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "distribution")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	report := `{"checks":[{"boot":"bios","name":"GOlr answers","ok":true},{"boot":"uefi","name":"GOlr answers","ok":true}]}`
	if err := os.WriteFile(filepath.Join(dir, deliver.ReportName), []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := Status{Started: now(), Finished: now()}.junit([]string{dir})
	if err != nil || !strings.Contains(string(content), `classname="distribution.uefi"`) {
		t.Errorf("%v: %s", err, content)
	}
}

// What an image was tested for on another night says nothing about a build that
// failed before its test.
func TestChecksOfAnotherNight(t *testing.T) {
	dirs := []string{filepath.Join(t.TempDir(), "distribution"), filepath.Join(t.TempDir(), "production"), filepath.Join(t.TempDir(), "none")}
	start := time.Now().Add(-time.Hour)
	for _, dir := range dirs[:2] {
		file := filepath.Join(dir, deliver.ReportName)
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(dirs[1], deliver.ReportName), start, start.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := reportedSince(dirs, start); !slices.Equal(got, dirs[:1]) {
		t.Errorf("%q", got)
	}
}

func TestOneAtATime(t *testing.T) {
	state := t.TempDir()
	unlock, err := lock(state)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	status := Run(t.Context(), Settings{Budget: time.Minute, State: state}, &staged{}, event.Discard)
	var locked *LockedError
	if status.Exit != fault.Locked || !errors.As(status.Err(), &locked) {
		t.Errorf("%+v", status)
	}
	if _, err := os.Stat(filepath.Join(state, StatusFile)); err == nil {
		t.Error("the reports of the run that holds the lock were overwritten")
	}
}

func TestNotification(t *testing.T) {
	state := t.TempDir()
	told := filepath.Join(state, "told")
	plan := Settings{Budget: time.Minute, State: state, Notify: []string{"sh", "-c", `echo "$AMIGO_RESULT" >` + told + `; cat >>` + told}}
	Run(t.Context(), plan, &staged{published: true}, event.Discard)
	content, err := os.ReadFile(told)
	if err != nil || !strings.HasPrefix(string(content), "published\n{") {
		t.Errorf("%v: %q", err, content)
	}
}
