// Package fault is the shape of an error that a person reads, and the exit
// status that goes with it.
package fault

import (
	"fmt"
	"io"
	"strings"
)

// Exit statuses of amigo-image.
const (
	OK          = 0
	Other       = 1   // anything without a status of its own
	Usage       = 2   // wrong arguments
	Unchanged   = 10  // a nightly run found nothing new
	Build       = 11  // a build failed
	Test        = 12  // an image failed its test
	Publish     = 13  // publishing failed
	Budget      = 14  // a run took longer than it may
	Network     = 20  // a host cannot be reached
	Verify      = 21  // a checksum or signature is wrong
	Space       = 22  // a disk is full
	Host        = 23  // the host lacks something
	Locked      = 24  // another process holds a lock
	NotFound    = 25  // there is no such version, channel or file
	Interrupted = 130 // Ctrl-C or kill
)

// Error is an error that says what a person needs to know. Empty parts are not
// shown.
type Error struct {
	What  string `json:"what"`            // one fact, at most 100 characters
	Where string `json:"where,omitempty"` // a file, a URL, a place in the template
	Kept  string `json:"kept,omitempty"`  // what of the work is not lost
	Try   string `json:"try,omitempty"`   // the command that cures or shows more
	Log   string `json:"log,omitempty"`   // the path of the full log
	Code  int    `json:"code"`            // exit status
	Do    Try    `json:"-"`               // what Try says in words, where Try is empty
	Err   error  `json:"-"`               // what it came from
}

func (e *Error) Error() string { return e.What }

func (e *Error) Unwrap() error { return e.Err }

// Write writes e for a person: the fact, and what there is of where, kept,
// try and log.
func (e *Error) Write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "error: %s\n", indented(e.What))
	for _, part := range []struct{ name, value string }{
		{"where:", e.Where}, {"kept:", e.Kept}, {"try:", aside(e.Try)}, {"log:", e.Log},
	} {
		if part.value != "" {
			fmt.Fprintf(&text, "  %-6s %s\n", part.name, indented(part.value))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// columns is what a terminal has at the least.
const columns = 80

// aside puts the remark behind a command line that is too long with it on a
// line of its own, so that the command can be copied whole.
func aside(try string) string {
	lines := strings.Split(try, "\n")
	for i, line := range lines {
		if command, remark, ok := strings.Cut(line, "   # "); ok && len(indent)+len(line) > columns {
			lines[i] = command + "\n# " + remark
		}
	}
	return strings.Join(lines, "\n")
}

// indent is the column where the text of a part begins.
const indent = "         "

// indented keeps the lines of a text under its first.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+indent)
}
