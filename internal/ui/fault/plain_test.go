package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestPlain(t *testing.T) {
	dir := t.TempDir()
	_, open := os.Open(filepath.Join(dir, "none"))
	_, number := strconv.Atoi("22x")
	_, refused := net.Dial("tcp", "127.0.0.1:1")
	moved := os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "none/b"))
	for want, err := range map[string]error{
		"": nil,
		"reading it: " + dir + "/none: no such file or directory": fmt.Errorf("reading it: %w", open),
		dir + "/none/b: no such file or directory":                moved,
		`"22x" is not a number`:                                   number,
		"h: failed after 0s: connection refused":                  fmt.Errorf("h: failed after 0s: %w", refused),
		"x: there is no host x":                                   fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "x", Server: "10.0.0.1:53", IsNotFound: true}}),
		"it is not JSON":                                          json.Unmarshal([]byte("<"), new(int)),
		"u: it ends too early":                                    fmt.Errorf("u: %w", &url.Error{Op: "Get", URL: "u", Err: io.ErrUnexpectedEOF}),
		"nothing came in time":                                    context.DeadlineExceeded,
		"one\n" + dir + "/none: no such file or directory":        errors.Join(errors.New("one"), open),
		"no more": errors.New("no more"),
	} {
		if got := Plain(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
