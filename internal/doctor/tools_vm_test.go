//go:build vm

package doctor

import "testing"

// TestInstalledTools: what "make image" installs is all that is looked for.
func TestInstalledTools(t *testing.T) {
	if r := tools(t.Context(), Host{}); r.State != OK {
		t.Errorf("%+v", r)
	}
}
