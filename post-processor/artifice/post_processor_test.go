package artifice

import (
	"os"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestPostProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.ova", "b.ova", "c.txt"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		files, made []string
	}{
		"a name":            {[]string{"c.txt"}, []string{"c.txt"}},
		"a pattern":         {[]string{"*.ova"}, []string{"a.ova", "b.ova"}},
		"once each":         {[]string{"b.ova", "*.ova"}, []string{"b.ova", "a.ova"}},
		"one of two exists": {[]string{"*.vmdk", "c.txt"}, []string{"c.txt"}},
		"none":              {[]string{"*.vmdk"}, nil},
	} {
		p := new(PostProcessor)
		if err := p.Configure(map[string]any{"files": c.files}); err != nil {
			t.Fatal(err)
		}
		made, keep, force, err := p.PostProcess(t.Context(), packersdk.TestUi(t), &packersdk.MockArtifact{})
		if !keep || force {
			t.Errorf("%s: keep %v, force %v", name, keep, force)
		}
		if c.made == nil {
			if err == nil || !strings.Contains(err.Error(), "no file matches *.vmdk") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || !slices.Equal(made.Files(), c.made) || made.BuilderId() != BuilderID {
			t.Errorf("%s: %v, %v", name, made, err)
		}
	}
}

func TestDestroy(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("dir/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (artifact{"dir", "never"}).Destroy(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestConfigure(t *testing.T) {
	for fault, files := range map[string][]string{"files: it is missing": nil, `files: "[": syntax error`: {"["}} {
		if err := new(PostProcessor).Configure(map[string]any{"files": files}); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v: %v, want %q", files, err, fault)
		}
	}
}
