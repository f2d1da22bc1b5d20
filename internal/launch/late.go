package launch

import (
	"errors"
	"fmt"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/serving"
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

// LateError says that a machine is on, but did not serve AmiGO in time.
type LateError struct {
	place
	After time.Duration
	SSH   bool  // it has answered
	Page  bool  // AmiGO's is shown
	Last  error // of the last attempt at AmiGO
}

func newLateError(p place, m imagestore.Machine, late *serving.TimeoutError) *LateError {
	return &LateError{
		place: p, After: late.After, Last: late.Last,
		SSH: m.TakesSSH(), Page: !errors.As(late.Last, new(*serving.PageError)),
	}
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%s (after %s)", e.answers(), e.After)
}

func (e *LateError) Unwrap() error { return e.Last }

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
