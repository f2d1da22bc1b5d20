package launch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// shell answers like a machine in which one of what serves died.
type shell string

func (s shell) Output(context.Context, string) (string, error) {
	return string(s), errors.New("it broke off")
}

// TestWriteJournals holds that the journals that came are kept beside the console,
// each below its name, for their reader alone.
func TestWriteJournals(t *testing.T) {
	said := func(name, text string) string {
		return guest.Heading(name) + "\n" + text + "\n"
	}
	units, _ := serving.InspectUnits(t.Context(), shell(said("restarts jetty9", "1")+said("journal jetty9", "it died")+said("journal apache2", "started\nserves")))
	path := JournalsOf(filepath.Join(t.TempDir(), "console-stable.log"))
	if filepath.Base(path) != "console-stable.journals" {
		t.Error(path)
	}
	if err := writeJournals(path, units); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "==> journal-apache2.log <==\nstarted\nserves\n\n==> journal-jetty9.log <==\nit died\n\n"
	if diff := cmp.Diff(want, string(content)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
