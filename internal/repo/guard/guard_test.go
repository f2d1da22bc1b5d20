package guard

import (
	"errors"
	"testing"
)

func TestCall(t *testing.T) {
	want := errors.New("mine")
	if err := Call(func() error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
	if err := Call(func() error { panic("index out of range") }); err == nil || err.Error() != "it is not TUF metadata: index out of range" {
		t.Error(err)
	}
}
