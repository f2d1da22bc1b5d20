//go:build vm

// Package many checks that what is shipped for builds on several machines does what it
// says.
package many

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

const program = "../../bin/amigo-image"

// TestTemplate: each channel of the variable is a build.
func TestTemplate(t *testing.T) {
	refs := `refs={"stable"="2.3.2","nightly"="master"}`
	if said, err := run(t, command.Cmd{Name: program, Args: []string{"validate", "-var", refs, "."}}); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	said, err := run(t, command.Cmd{Name: program, Args: []string{"inspect", "-var", refs, "."}})
	for _, name := range []string{"amigo-qemu.stable", "amigo-qemu.nightly"} {
		if !strings.Contains(said, "build     "+name+"\n") {
			t.Errorf("no build is %s: %v\n%s", name, err, said)
		}
	}
}

// TestMatrix: the line of the workflow that makes the matrix gives every name as it is.
func TestMatrix(t *testing.T) {
	workflow, err := os.ReadFile("github-actions.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(workflow), `>plan.json`)
	line, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "t.pkr.hcl"), `
source "file" "f" { content = "x" }
build {
  name = "it's [1]*, \"$x\" é"
  source "file.f" {
    name   = "a b"
    target = "a"
  }
  source "file.f" {
    name   = "c"
    target = "c"
  }
}`)
	binary, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	said, err := run(t, command.Cmd{
		Name: "bash", Args: []string{"-euo", "pipefail", "-c", binary + " plan --json . >plan.json\n" + line}, Dir: dir,
		Env: []string{"GITHUB_OUTPUT=" + filepath.Join(dir, "output"), "XDG_CACHE_HOME=" + dir},
	})
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(text), "builds=")), &names); err != nil || strings.Count(string(text), "\n") != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	if diff := cmp.Diff([]string{`it's [1]*, "$x" é.file.a b`, `it's [1]*, "$x" é.file.c`}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// run runs a program and returns what it said.
func run(t *testing.T, c command.Cmd) (string, error) {
	t.Helper()
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	err := command.Run(t.Context(), c)
	return said.String(), err
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
