package fault

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Report is what an error knows about itself: what a person needs to read, and
// what a program needs to decide. It holds no command lines; whoever shows it
// words the [Try].
type Report struct {
	What  string // one fact, at most [Longest] characters
	Where string // a file, a URL, the cause; may have several lines
	Kept  string // what of the work is not lost
	Try   Try
	Code  int // exit status
}

// Reporter is an error that carries its own report.
type Reporter interface {
	error
	Fault() Report
}

// Longest is how many characters one fact may have.
const Longest = 100

// causeLength is how many characters of a cause are worth reading.
const causeLength = 300

// Cause returns an error's text on one line, cut where it stops being useful.
func Cause(err error) string {
	if err == nil {
		return ""
	}
	return Short(Plain(err), causeLength)
}

// Short returns the beginning of a text, at most n characters on one line.
func Short(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > n {
		return string(r[:n-2]) + ".."
	}
	return text
}

// Of returns the report of the outermost error in err's chain that has one, or
// of a well-known error of the operating system or the network. Of any other
// error it returns its text and the status [Other].
func Of(err error) Report {
	if own := Reporter(nil); errors.As(err, &own) {
		r := own.Fault()
		if r.Code == OK {
			r.Code = Other
		}
		return r
	}
	return ofSystem(err)
}

// ofSystem explains errors that the operating system and the network return.
func ofSystem(err error) Report {
	r := Report{What: Plain(err), Code: Other}
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ENOSPC):
		r.Code, r.Try = Space, Retry(FreeSpace)
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED),
		errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		r.Code, r.Try = Network, To(Diagnose)
	case errors.Is(err, fs.ErrPermission):
		r.Try = Retry(AsRoot, OtherDirectory)
		r.Try.On = pathsIn(err)
	}
	return r
}

// pathsIn returns the path that an error is about, if it tells.
func pathsIn(err error) []string {
	if one := (*fs.PathError)(nil); errors.As(err, &one) {
		return []string{one.Path}
	}
	if two := (*os.LinkError)(nil); errors.As(err, &two) {
		return []string{two.New}
	}
	return nil
}
