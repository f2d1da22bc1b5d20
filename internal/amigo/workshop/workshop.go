// Package workshop is where AmiGO is built and GOlr's index is made: natively
// on the host, in a root file system like the guest's, or in the guest.
package workshop

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Dir is a directory that a task sees.
type Dir struct {
	At   string // absolute path in the workshop
	Host string // its content on the host; "": an empty directory for this task only
	Out  bool   // the task may write to it, and what it writes gets to the host; at most one of a task
	// Keep, if it is not "", names a directory that stays in a workshop that
	// is not on the host, instead of being copied there and back for each task.
	Keep string
}

// Task is work for a shell.
type Task struct {
	Name    string // short, stable, fit for a file name
	Script  string // run with "sh -eu", in /
	Dirs    []Dir
	Env     []string  // KEY=value
	Network bool      // without it there is a loopback interface at most
	Output  io.Writer // what the script prints; nil: discarded
}

// Workshop runs tasks.
type Workshop interface {
	// Run runs a task. The error of a failed script is a [*Error].
	Run(ctx context.Context, t Task) error
	// Toolchain tells workshops apart that might build differently.
	Toolchain() string
	// Remote tells that the workshop is not on the host, so that what is kept
	// in it is not in the host's cache.
	Remote() bool
	// Close removes what tasks have left in a workshop that is not ours.
	Close(ctx context.Context) error
}

// Error says that a task failed.
type Error struct {
	Task   string
	Output string // the last lines of what it printed
	Err    error
}

func (e *Error) Error() string { return e.Output }

func (e *Error) Unwrap() error { return e.Err }

// Because returns the line in which a script told the cause of its failure: it
// printed it behind the mark "error: ". Other errors stay what they are.
func Because(err error) error {
	var failed *Error
	if !errors.As(err, &failed) {
		return err
	}
	lines := strings.Split(failed.Output, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if cause, ok := strings.CutPrefix(lines[i], "error: "); ok {
			return &Error{Task: failed.Task, Output: cause, Err: failed.Err}
		}
	}
	return err
}

// lastWords is how many lines of a failed script's output its error carries.
const lastWords = 12

// watch returns a writer that passes lines on to out and keeps the last ones.
func watch(out io.Writer) (io.Writer, *event.Tail) {
	tail := event.NewTail(lastWords)
	if out == nil {
		return tail, tail
	}
	return io.MultiWriter(out, tail), tail
}
