package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// NoRangesError tells that a server does not send parts of a file as it
// should.
type NoRangesError struct {
	URL string
	Why string // what it did instead
}

func (e *NoRangesError) Error() string {
	return e.URL + ": the server does not send parts of files: " + e.Why
}

// Fault implements [fault.Reporter].
func (e *NoRangesError) Fault() fault.Report {
	return fault.Report{What: "the server sends only whole files, and broke off", Where: e.URL + "\n" + e.Why, Code: fault.Network, Try: fault.Retry(fault.OtherServer)}
}

// SizeError tells that a file is not as long as it should be.
type SizeError struct {
	URL  string
	Got  int64 // bytes; -1: more than expected
	Want int64 // bytes
}

func (e *SizeError) Error() string {
	if e.Got < 0 {
		return fmt.Sprintf("%s: it has more than the %d bytes it may have", e.URL, e.Want)
	}
	return fmt.Sprintf("%s: it has %d bytes and should have %d", e.URL, e.Got, e.Want)
}

// Fault implements [fault.Reporter].
func (e *SizeError) Fault() fault.Report {
	return fault.Report{
		What: "a file of the repository has another length than was signed", Where: e.Error(), Code: fault.Verify,
		Try: fault.Retry(fault.Later, fault.OtherServer),
	}
}

// SizelessError tells that a server does not say how long a file is.
type SizelessError struct{ URL string }

func (e *SizelessError) Error() string {
	return e.URL + ": the server does not say how long the file is"
}

// Fault implements [fault.Reporter].
func (e *SizelessError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Network, Try: fault.Retry(fault.OtherServer)}
}

// StatusError tells that a server refused a request. One that says that there
// is no such file is [fs.ErrNotExist].
type StatusError struct {
	URL   string
	Code  int    // HTTP status
	Proxy string // as in [TransportError]
}

func (e *StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%s: the server says %d %s%s", e.URL, e.Code, strings.ToLower(http.StatusText(e.Code)), via(e.Proxy)))
}

// Fault implements [fault.Reporter].
func (e *StatusError) Fault() fault.Report {
	return fault.Report{
		What: fmt.Sprintf("the server refuses a file (%d)", e.Code), Where: e.URL, Code: fault.Network,
		Try: fault.Retry(fault.Later, fault.OtherServer),
	}
}

// Is reports whether target is [fs.ErrNotExist] and so is this.
func (e *StatusError) Is(target error) bool {
	return target == fs.ErrNotExist && (e.Code == http.StatusNotFound || e.Code == http.StatusGone)
}

// EncodedError tells that a server compresses what must come as it is.
type EncodedError struct {
	URL      string
	Encoding string
	Proxy    string // as in [TransportError]
}

func (e *EncodedError) Error() string {
	return fmt.Sprintf("%s: the answer is encoded as %s, which nobody asked for%s", e.URL, e.Encoding, via(e.Proxy))
}

// Fault implements [fault.Reporter].
func (e *EncodedError) Fault() fault.Report {
	return fault.Report{
		What: "the server alters files on their way", Where: fault.Cause(e), Code: fault.Network,
		Try: fault.Retry(fault.NoProxy, fault.OtherServer),
	}
}

// PageError tells that a server sent a web page in the place of a file: that of
// a login, or of a site that has one for every address.
type PageError struct {
	URL   string
	Host  string // with its port, if that is not the usual one
	Proxy string // as in [TransportError]
}

func (e *PageError) Error() string {
	return fmt.Sprintf("%s: the answer is a web page, perhaps that of a login%s", e.URL, via(e.Proxy))
}

// Fault implements [fault.Reporter].
func (e *PageError) Fault() fault.Report {
	r := fault.Report{
		What: e.Host + " sends a web page in the place of a file", Code: fault.Network, Try: fault.Retry(fault.OtherServer),
		Where: e.URL + "\nperhaps a login is needed, or the server has a page for every address" + via(e.Proxy),
	}
	if e.Proxy != "" {
		r.Try = fault.Retry(fault.NoProxy, fault.OtherServer)
	}
	return r
}

// TransportError tells that a connection failed, or that an answer was not
// what was asked for, after all retries.
type TransportError struct {
	URL   string
	Host  string        // with its port, if that is not the usual one
	After time.Duration // since the first attempt
	Bytes int64         // of the file that came, in all attempts
	Proxy string        // proxy that was used and the variable that names it; "" if none

	Reached bool // it did answer, only not well
	Err     error
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("%s: failed%s%s: %v", e.Host, e.effort(), via(e.Proxy), e.Err)
}

// effort says what it took, as far as it is worth saying.
func (e *TransportError) effort() string {
	var parts []string
	if after := e.After.Round(100 * time.Millisecond); after > 0 {
		parts = append(parts, after.String())
	}
	if e.Bytes > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes", e.Bytes))
	}
	if len(parts) == 0 {
		return ""
	}
	return " after " + strings.Join(parts, " and ")
}

// inAll gives a transport error in err's chain what all attempts took.
func inAll(err error, start time.Time, bytes int64) error {
	if transport, ok := errors.AsType[*TransportError](err); ok {
		transport.After, transport.Bytes = time.Since(start), bytes
	}
	return err
}

func (e *TransportError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *TransportError) Fault() fault.Report {
	r := fault.Report{
		What: e.Host + " cannot be reached", Where: e.URL + "\n" + fault.Cause(e), Code: fault.Network,
		Try: fault.Retry(fault.OtherServer),
	}
	if e.Reached {
		r.What = e.Host + " does not send what it should"
	}
	if e.Proxy != "" {
		r.Try = fault.Retry(fault.NoProxy, fault.OtherServer)
	}
	return r
}

func via(proxy string) string {
	if proxy == "" {
		return ""
	}
	return " through proxy " + proxy
}
