package fault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	for want, e := range map[string]Error{
		"error: it is gone\n": {What: "it is gone"},
		"error: it is gone\n  where: a\n         b\n  kept:  c\n  try:   d\n  log:   e\n": {What: "it is gone", Where: "a\nb", Kept: "c", Try: "d", Log: "e"},
	} {
		var b strings.Builder
		if err := e.Write(&b); err != nil || b.String() != want {
			t.Errorf("%q, %v; want %q", b.String(), err, want)
		}
	}
}

func TestErrorIsFoundInAChain(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("doing: %w", &Error{What: "w", Code: Space, Err: cause})
	var f *Error
	if !errors.As(err, &f) || f.Code != Space || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}
