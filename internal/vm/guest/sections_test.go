package guest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestSections runs a script as a guest would.
func TestSections(t *testing.T) {
	script := "echo noise\n" + Section("state") + "echo running\n" + Section("failed") + Section("keys") + "printf 'a\\n\\nb\\n'\n"
	output, err := command.Output(t.Context(), command.Cmd{Name: "sh", Args: []string{"-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"state": "running", "failed": "", "keys": "a\n\nb"}
	if diff := cmp.Diff(want, Sections(string(output))); diff != "" {
		t.Error(diff)
	}
	if got := Sections("nothing"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
