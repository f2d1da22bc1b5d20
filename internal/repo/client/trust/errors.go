package trust

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// ExpiredError says that the repository was not refreshed in time, or that
// somebody shows an old state of it.
type ExpiredError struct {
	Role    string
	URL     string
	Expires time.Time
	Now     time.Time // by the local clock
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("what %s says of the repository expired on %s; the clock here says %s",
		e.Role, e.Expires.UTC().Format(clockFormat), e.Now.UTC().Format(clockFormat))
}

const clockFormat = "2006-01-02 15:04 MST"

// Fault implements [fault.Reporter].
func (e *ExpiredError) Fault() fault.Report {
	r := fault.Report{What: e.Error(), Where: e.URL, Code: fault.Verify, Try: fault.Retry(fault.Later, fault.RightClock, fault.AskPublisher)}
	if e.Now.Sub(e.Expires) > longAgo {
		r.Try = fault.Retry(fault.RightClock, fault.AskPublisher)
	}
	return r
}

// longAgo is when a clock that is wrong is likelier than a publisher that is late.
const longAgo = 300 * 24 * time.Hour

// RollbackError says that the repository shows something older than it did
// before.
type RollbackError struct {
	What string // a role or a channel
	URL  string
	Seen int64
	Got  int64 // 0 if it is not there at all
	Err  error // of the library
}

func (e *RollbackError) Error() string {
	switch {
	case e.Seen == 0:
		return fmt.Sprintf("the repository went back in time: %s: %v", e.What, e.Err)
	case e.Got == 0:
		return fmt.Sprintf("the repository went back in time: %s is gone, its version %d was seen here", e.What, e.Seen)
	default:
		return fmt.Sprintf("the repository went back in time: %s is at %d, and %d was seen here", e.What, e.Got, e.Seen)
	}
}

func (e *RollbackError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *RollbackError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Where: e.URL, Code: fault.Verify, Try: fault.Retry(fault.OtherServer, fault.AskPublisher)}
}

// UntrustedError says that a file is not what the right keys have signed.
type UntrustedError struct {
	URL string
	Err error
}

func (e *UntrustedError) Error() string { return fmt.Sprintf("%s cannot be trusted: %v", e.URL, e.Err) }

func (e *UntrustedError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *UntrustedError) Fault() fault.Report {
	return fault.Report{
		What: path.Base(e.URL) + " cannot be trusted", Where: e.URL + "\n" + fault.Cause(e.Err), Code: fault.Verify,
		Try: fault.Retry(fault.NoProxy, fault.OtherServer, fault.AskPublisher),
	}
}

// PinError says that the repository's root is not the one that is pinned.
type PinError struct {
	URL     string
	Version int64
	Pinned  time.Time // zero if the root was given
	Dir     string    // where it is remembered
}

func (e *PinError) Error() string {
	if e.Pinned.IsZero() {
		return fmt.Sprintf("root %d that was given is another than the one remembered for %s", e.Version, e.URL)
	}
	return fmt.Sprintf("root %d of %s is another than the one pinned on %s", e.Version, e.URL, e.Pinned.UTC().Format(time.DateOnly))
}

// Fault implements [fault.Reporter].
func (e *PinError) Fault() fault.Report {
	return fault.Report{
		What: "the root of the repository is not the one that is pinned", Where: e.Error(), Code: fault.Verify,
		Try: fault.To(fault.ForgetRoot, e.Dir),
	}
}

// NotFoundError says that the repository has no such thing.
type NotFoundError struct {
	Kind  string // "repository", "channel", "version" or "file"
	Name  string
	Known []string // what there is of the kind
	URL   string
}

func (e *NotFoundError) Error() string {
	if e.Kind == "repository" {
		return fmt.Sprintf("there is no image repository at %s", e.URL)
	}
	text := fmt.Sprintf("the repository has no %s %q", e.Kind, e.Name)
	if len(e.Known) > 0 {
		text += " (there are: " + strings.Join(e.Known, ", ") + ")"
	}
	return text
}

// Fault implements [fault.Reporter].
func (e *NotFoundError) Fault() fault.Report {
	return fault.Report{What: fault.Short(e.Error(), fault.Longest), Code: fault.NotFound, Try: fault.Meant(e.Name, e.Known)}
}

// EmptyError says that nothing was published to a channel yet.
type EmptyError struct{ Channel string }

func (e *EmptyError) Error() string {
	return fmt.Sprintf("nothing was published to channel %q yet", e.Channel)
}

// Fault implements [fault.Reporter].
func (e *EmptyError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.NotFound} }

// RevokedError says that a channel's own publisher warns of its version.
type RevokedError struct{ Channel, Version, Reason string }

func (e *RevokedError) Error() string {
	return fmt.Sprintf("version %s in channel %s was revoked: %s", e.Version, e.Channel, e.Reason)
}

// Fault implements [fault.Reporter].
func (e *RevokedError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Verify, Try: fault.To(fault.ListImages)}
}

// translate gives the library's errors the form of this package.
func (s *session) translate(role, file string, content []byte, err error) error {
	url := s.client.origin.URL(file)
	var expired *metadata.ErrExpiredMetadata
	var version *metadata.ErrBadVersionNumber
	switch {
	case err == nil:
		return nil
	case errors.As(err, &expired):
		role, expires := s.expired(role, content)
		return &ExpiredError{Role: role, URL: url, Expires: expires, Now: s.trusted.RefTime}
	case errors.As(err, &version) && (role == metadata.TIMESTAMP || role == metadata.SNAPSHOT):
		return &RollbackError{What: role, URL: url, Err: err}
	default:
		return &UntrustedError{URL: url, Err: err}
	}
}
