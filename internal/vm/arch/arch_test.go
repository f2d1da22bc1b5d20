package arch

import "testing"

func TestFind(t *testing.T) {
	for _, want := range []Arch{AMD64, ARM64} {
		if got, err := Find(want.Name); err != nil || got != want {
			t.Errorf("%s: %+v, %v", want.Name, got, err)
		}
	}
	if _, err := Find("m68k"); err == nil || err.Error() != `"m68k" is not known (known: amd64, arm64)` {
		t.Error(err)
	}
	if _, err := Find("arm46"); err == nil || err.Error() != `"arm46" is not known (did you mean "arm64"?)` {
		t.Error(err)
	}
}
