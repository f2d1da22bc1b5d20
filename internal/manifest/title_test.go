package manifest

import "testing"

func TestTitle(t *testing.T) {
	for version, want := range map[string]string{"2.5.17": "AmiGO 2.5.17", "": "AmiGO (version unknown)"} {
		if got := (AmiGO{Version: version}).Title(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
