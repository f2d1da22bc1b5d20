package nightly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Names of the reports in the state directory.
const (
	StatusFile  = "status.json"
	ReportFile  = "junit.xml"
	evidenceDir = "evidence"
)

// Schema is the version of status.json.
const Schema = 1

// Outcome is how a night ended.
type Outcome string

// The results.
const (
	Running       Outcome = "running" // or killed, if its process is gone
	NoChange      Outcome = "no change"
	Published     Outcome = "published"
	BuildFailed   Outcome = "build failed"
	TestFailed    Outcome = "test failed"
	PublishFailed Outcome = "publish failed"
	OverBudget    Outcome = "over budget"
	Interrupted   Outcome = "interrupted"
	NotRun        Outcome = "not run" // another run holds the lock
)

// Status is the content of status.json.
type Status struct {
	Schema   int       `json:"schema"`
	Result   Outcome   `json:"result"`
	Exit     int       `json:"exit"`
	Channel  string    `json:"channel"`
	Version  string    `json:"version,omitempty"` // that the channel is at now
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	PID      int       `json:"pid"`
	Phases   []Phase   `json:"phases"`
	Error    string    `json:"error,omitempty"`
	Evidence string    `json:"evidence,omitempty"` // directory
	Log      string    `json:"log,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	err      error
}

// Phase is one stage of a night.
type Phase struct {
	Name    string  `json:"name"`
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"`
}

// Err returns what the night failed of, nil if it did not.
func (s Status) Err() error { return s.err }

// Encode returns the content of status.json.
func (s Status) Encode() ([]byte, error) {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", StatusFile, err)
	}
	return append(content, '\n'), nil
}

func newStatus(plan Settings) Status {
	return Status{Schema: Schema, Result: Running, Channel: plan.Channel, Started: now(), PID: os.Getpid(), Phases: []Phase{}}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (s *Status) add(phase Phase, err error) {
	phase.OK = err == nil
	if err != nil {
		phase.Detail = address.ShownIn(err.Error())
	}
	phase.Seconds = float64(int64(phase.Seconds*10)) / 10
	s.Phases = append(s.Phases, phase)
}

// results are what the exit statuses of a failure are called.
var results = map[int]Outcome{
	fault.Build: BuildFailed, fault.Test: TestFailed, fault.Publish: PublishFailed,
	fault.Budget: OverBudget, fault.Interrupted: Interrupted, fault.Locked: NotRun,
}

func (s *Status) warn(text string) { s.Warnings = append(s.Warnings, address.ShownIn(text)) }

func (s Status) failed(err error, exit int) Status {
	s.err, s.Error, s.Exit, s.Result = err, address.ShownIn(err.Error()), exit, results[exit]
	return s
}

// settle tells the ways of failing apart and keeps the evidence.
func (r *run) settle(ctx context.Context, err error, exit int) {
	var test *boottest.FailedError
	isTest := errors.As(err, &test)
	switch {
	case errors.Is(context.Cause(ctx), errBudget):
		exit = fault.Budget
	case ctx.Err() != nil:
		exit = fault.Interrupted
	case isTest:
		exit = fault.Test
	}
	r.status = r.status.failed(err, exit)
	if isTest && test.Evidence != "" {
		r.status.Evidence = keepEvidence(r.plan.State, test.Evidence, r.status.Started)
	}
}

// kept is how many nights' evidence there is at most.
const kept = 10

// keepEvidence moves evidence into the state directory, or leaves it where it is if
// that is on another file system.
func keepEvidence(state, evidence string, started time.Time) string {
	dir := filepath.Join(state, evidenceDir)
	target := filepath.Join(dir, started.Format("20060102T150405Z"))
	if os.MkdirAll(dir, 0o755) != nil || os.Rename(evidence, target) != nil {
		return evidence
	}
	old, err := filepath.Glob(filepath.Join(dir, "*Z"))
	if err == nil && len(old) > kept {
		slices.Sort(old)
		for _, path := range old[:len(old)-kept] {
			_ = os.RemoveAll(path)
		}
	}
	return target
}
