package launch

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// place is how far a machine came.
type place struct {
	Phase   string // that it did not get through
	Line    string // the last on its console
	Console string // file
}

func at(phase string, m imagestore.Machine) place {
	return place{Phase: phase, Line: LastLine(m.Console), Console: m.Console}
}

// NotUpError says that a machine ended before it served AmiGO.
type NotUpError struct {
	place
	Err error
}

func (e *NotUpError) Error() string {
	return fmt.Sprintf("the machine did not get through %s: %v (last line on its console: %q; all: %s)", e.Phase, e.Err, e.Line, e.Console)
}

func (e *NotUpError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *NotUpError) Fault() fault.Report {
	return fault.Report{
		What: fault.Short(e.Err.Error(), fault.Longest), Code: fault.Other, Try: fault.To(fault.Diagnose),
		Where: strings.Join(append([]string{"waiting for " + e.Phase}, e.console()...), "\n"),
	}
}

// console names the console's log, after the last line in it.
func (p place) console() []string {
	if p.Line == "" {
		return []string{p.Console}
	}
	return []string{"last line on the console: " + fault.Short(p.Line, 70), p.Console}
}

// LateError says that a machine is on, but did not serve AmiGO in time.
type LateError struct {
	place
	Machine string // its name
	After   time.Duration
	SSH     bool  // it has answered
	Page    bool  // AmiGO's is shown
	Last    error // of the last attempt at AmiGO
	// Journals is the file with the journals of what serves; "" if they could not
	// be had.
	Journals string
	Died     error // says which of what serves was restarted, and why; nil: none
}

func newLateError(p place, m imagestore.Machine, late *serving.TimeoutError) *LateError {
	return &LateError{
		place: p, Machine: m.Name, After: late.After, Last: late.Last,
		SSH: m.TakesSSH(), Page: !errors.As(late.Last, new(*serving.PageError)),
	}
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%s (after %s)", e.answers(), e.After)
}

func (e *LateError) Unwrap() error { return e.Last }

// Fault implements [fault.Reporter].
func (e *LateError) Fault() fault.Report {
	try := fault.To(fault.AwaitMachine, e.Machine)
	if e.SSH {
		try.Action = fault.EnterMachine
	}
	where := []string{fault.Short(e.Last.Error(), fault.Longest)}
	if e.Died != nil {
		where = append(where, fault.Short(e.Died.Error(), fault.Longest))
	}
	where = append(where, e.console()...)
	if e.Journals != "" {
		where = append(where, e.Journals)
	}
	return fault.Report{
		What: e.Error(), Code: fault.Other, Kept: "the machine " + e.Machine + ", which stays on",
		Where: strings.Join(where, "\n"), Try: try,
	}
}

// answers tells what answers from what does not.
func (e *LateError) answers() string {
	switch {
	case e.SSH && e.Page:
		return "ssh and AmiGO's page answer, a search does not"
	case e.SSH:
		return "ssh answers, AmiGO does not"
	case e.Page:
		return "AmiGO's page answers, ssh and a search do not"
	default:
		return "neither ssh nor AmiGO answers"
	}
}
