//go:build vm

// Package nightly checks that what is shipped for unattended runs is taken by
// the programs that it is for.
package nightly

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/nightly/night"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestUnits: systemd takes the service and the timer without a word.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"amigo-image-nightly.service", "amigo-image-nightly.timer"} {
		unit, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// The program need not be installed for this.
		text := strings.ReplaceAll(string(unit), "/usr/local/bin/amigo-image", "/bin/true")
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	said, err := run(t, "systemd-analyze", append([]string{"verify", "--man=no"}, paths...)...)
	if err != nil || said != "" {
		t.Errorf("%v: %s", err, said)
	}
}

// TestCrontab: the line is five fields of time and a command that a shell can
// read.
func TestCrontab(t *testing.T) {
	text, err := os.ReadFile("crontab")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 5 && fields[0] != "#" {
			if said, err := run(t, "bash", "-n", "-c", strings.Join(fields[5:], " ")); err != nil {
				t.Errorf("%v: %s", err, said)
			}
		}
	}
}

// TestNights: the files are read, and the template takes their variables and
// puts its images where they say.
func TestNights(t *testing.T) {
	for name, template := range map[string]string{
		"nightly.hcl": "/usr/local/share/amigo-image/amigo", "github-actions.hcl": "packer-plugin-amigo/examples/amigo",
	} {
		file, err := night.Read(name)
		if err != nil || !strings.HasSuffix(file.Template, template) {
			t.Errorf("%s: %v, %s", name, err, file.Template)
		}
		args := []string{"validate"}
		for variable, value := range file.Variables {
			args = append(args, "-var", variable+"="+value)
		}
		if said, err := run(t, "../../bin/amigo-image", append(args, "../amigo")...); err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
		variants := []string{"distribution", "production"}
		if file.Variables["golr_release"] != "" { // its data are an image of their own
			variants = append([]string{"data"}, variants...)
		}
		if len(file.Directories) != len(variants) {
			t.Fatalf("%s: %q, not %q", name, file.Directories, variants)
		}
		for i, variant := range variants {
			if want := filepath.Join(file.Variables["output"], variant); !strings.HasSuffix(file.Directories[i], want) {
				t.Errorf("%s: %s, not %s", name, file.Directories[i], want)
			}
		}
	}
}

// TestNotify: the example of a command is one.
func TestNotify(t *testing.T) {
	text, err := os.ReadFile("nightly.hcl")
	if err != nil {
		t.Fatal(err)
	}
	before, example, _ := strings.Cut(string(text), "# notify")
	path := filepath.Join(t.TempDir(), "nightly.hcl")
	if err := os.WriteFile(path, []byte(before+"notify"+strings.ReplaceAll(example, "\n# ", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := night.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	mail := filepath.Join(filepath.Dir(path), "mail")
	if err := os.WriteFile(mail, []byte("#!/bin/sh\necho \"$2\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
	for _, c := range []struct{ result, status, want string }{
		{"published", `{}`, ""},
		{"no change", `{"warnings": ["a key"]}`, "AmiGO nightly: no change\n"},
		{"build failed", `{}`, "AmiGO nightly: build failed\n"},
	} {
		var said strings.Builder
		err := command.Run(t.Context(), command.Cmd{
			Name: file.Notify[0], Args: file.Notify[1:], Env: []string{"AMIGO_RESULT=" + c.result},
			Stdin: strings.NewReader(c.status), Stdout: &said,
		})
		if err != nil || said.String() != c.want {
			t.Errorf("%s: %q, %v", c.result, said.String(), err)
		}
	}
}

// TestInstructions: a shell can read what README.md says to type.
func TestInstructions(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines.WriteString(command)
		}
	}
	if said, err := run(t, "bash", "-n", "-c", lines.String()); err != nil || lines.Len() == 0 {
		t.Errorf("%v: %s", err, said)
	}
}

func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	var said strings.Builder
	err := command.Run(t.Context(), command.Cmd{Name: name, Args: args, Stdout: &said, Stderr: &said})
	return said.String(), err
}
