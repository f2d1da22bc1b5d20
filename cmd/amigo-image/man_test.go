package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestMan writes the manual and reads each page with man: it has no warning and
// no line that is too wide, and the database of manuals finds its name.
func TestMan(t *testing.T) {
	p := newPerson(t)
	if status, _, errs := p.types("amigo-image man pages"); status != 0 {
		t.Fatal(errs)
	}
	pages, err := filepath.Glob(filepath.Join(p.home, "pages", "*.1"))
	if err != nil || len(pages) < 25 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		var out, errs bytes.Buffer
		err := command.Run(context.Background(), command.Cmd{
			Name: "man", Args: []string{"--warnings", "--encoding=UTF-8", "--local-file", page},
			Env: []string{"MANWIDTH=80", "MANROFFOPT=-c", "LC_ALL=C.UTF-8"}, Stdout: &out, Stderr: &errs,
		})
		if err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(page), err, errs.String())
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(line)) > 81 {
				t.Errorf("%s: %s", filepath.Base(page), line)
			}
		}
		if err := command.Run(context.Background(), command.Cmd{Name: "lexgrog", Args: []string{page}}); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(p.home, "pages", "amigo-image-pull.1"))
	for _, part := range []string{".SH EXIT STATUS", ".SH ENVIRONMENT", "--variant", ".SH EXAMPLE"} {
		if err != nil || !strings.Contains(strings.ReplaceAll(string(text), `\-`, "-"), part) {
			t.Errorf("no %s: %v", part, err)
		}
	}
}
