package doctor

import (
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// TestForeign: one command installs all that images of another processor need, and a host
// without it can build those of its own.
func TestForeign(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	other := arch.Foreign()[0]
	r := foreign(t.Context(), Host{})
	if r.State != Absent || r.Text != other.Name+" needs more programs" || r.Cost != "no image of "+other.Name+" can be built" {
		t.Errorf("%+v", r)
	}
	if want := "apt-get install arch-test binfmt-support " + other.Package + " qemu-user-static"; r.Cure != want {
		t.Errorf("%q, want %q", r.Cure, want)
	}
}
