package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestLibrary: a module that imports the pipeline is vetted and runs. It needs no
// replacement of go-cty, which only programs that run Packer's plugins need.
func TestLibrary(t *testing.T) {
	module, err := os.ReadFile("library/go.mod")
	if err != nil || strings.Contains(string(module), "replace github.com/zclconf/go-cty") {
		t.Fatalf("%v\n%s", err, module)
	}
	program := filepath.Join(t.TempDir(), "library")
	for _, args := range [][]string{{"vet", "."}, {"build", "-o", program, "."}} {
		if out, err := output(t, command.Cmd{Name: "go", Args: args, Dir: "library"}); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	template, err := filepath.Abs("library/greeting.pkr.hcl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out, err := output(t, command.Cmd{Name: program, Args: []string{template}, Dir: dir, Env: []string{"PKR_VAR_name=reader"}})
	if err != nil || !strings.Contains(out, "Hello, reader!") {
		t.Errorf("%v\n%s", err, out)
	}
	if made, err := os.ReadFile(filepath.Join(dir, "greeting.json")); err != nil || !strings.Contains(string(made), "greeting for reader") {
		t.Errorf("%v\n%s", err, made)
	}
}

func output(t *testing.T, c command.Cmd) (string, error) {
	t.Helper()
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	err := command.Run(t.Context(), c)
	return out.String(), err
}
