package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Plain returns an error's text without what only a Go programmer reads: names
// of system calls and of functions, "dial tcp", addresses of DNS servers.
func Plain(err error) string {
	if err == nil {
		return ""
	}
	if text, ok := plainOf(err); ok {
		return text
	}
	text := err.Error()
	for _, inner := range unwrap(err) {
		if inner != nil && inner.Error() != "" {
			text = strings.ReplaceAll(text, inner.Error(), Plain(inner))
		}
	}
	return text
}

func unwrap(err error) []error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	default:
		return nil
	}
}

// plainOf words the errors of Go's own library that say too much.
func plainOf(err error) (text string, ok bool) {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Path + ": " + Plain(e.Err), true
	case *os.LinkError:
		return e.New + ": " + Plain(e.Err), true
	case *os.SyscallError:
		return Plain(e.Err), true
	case *net.OpError:
		return Plain(e.Err), true
	case *net.DNSError:
		if e.IsNotFound {
			return "there is no host " + e.Name, true
		}
		return "the address of " + e.Name + " cannot be looked up", true
	case *url.Error:
		return Plain(e.Err), true
	case *strconv.NumError:
		return fmt.Sprintf("%q is not a number", e.Num), true
	case *json.SyntaxError:
		return "it is not JSON", true
	case *json.UnmarshalTypeError:
		return fmt.Sprintf("%s is of the wrong type, %s", e.Field, e.Value), true
	}
	return ofSentinel(err)
}

// ofSentinel words errors that are values.
func ofSentinel(err error) (text string, ok bool) {
	switch err {
	case io.ErrUnexpectedEOF:
		return "it ends too early", true
	case io.EOF:
		return "it ended", true
	case os.ErrDeadlineExceeded:
		return "nothing came in time", true
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() && len(unwrap(err)) == 0 {
		return "nothing came in time", true
	}
	return "", false
}
