package nightly

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// LockedError says that another night is not over yet.
type LockedError struct {
	State string
}

func (e *LockedError) Error() string { return "another run holds the lock in " + e.State }

// Fault implements [fault.Reporter].
func (e *LockedError) Fault() fault.Report {
	return fault.Report{What: "another night is still running", Where: e.Error(), Code: fault.Locked, Try: fault.Retry(fault.Later)}
}

func lock(state string) (unlock func(), err error) {
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	l := flock.New(filepath.Join(state, "lock"))
	locked, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", state, err)
	}
	if !locked {
		return nil, &LockedError{State: state}
	}
	return func() { _ = l.Close() }, nil
}

// notify hands the status to the command that was asked for.
func (r *run) notify(ctx context.Context) {
	if len(r.plan.Notify) == 0 {
		return
	}
	status, err := r.status.Encode()
	tail := event.NewTail(3)
	if err == nil {
		err = command.Run(ctx, command.Cmd{
			Name: r.plan.Notify[0], Args: r.plan.Notify[1:], Stdin: bytes.NewReader(status), Stdout: tail, Stderr: tail,
			Env: []string{"AMIGO_RESULT=" + string(r.status.Result), "AMIGO_VERSION=" + r.status.Version},
		})
	}
	if err != nil {
		r.sink.Emit(event.Event{Type: event.Warning, Text: fmt.Sprintf("telling %s: %v: %s", r.plan.Notify[0], err, strings.TrimSpace(tail.String()))})
	}
}
