package builtin

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// planned plans a template in a new current directory.
func planned(t *testing.T, text string) (*pipeline.Plan, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("t.pkr.hcl", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	template, err := pipeline.Parse("t.pkr.hcl", pipeline.Input{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(t.Context(), Registry(), pipeline.Options{})
	if err == nil {
		t.Cleanup(plan.Close)
	}
	return plan, err
}

type discard struct{}

func (discard) Emit(event.Event) {}

// TestTemplate runs a template of nothing but what Packer has built in.
func TestTemplate(t *testing.T) {
	plan, err := planned(t, `
source "null" "host" {
  communicator = "none"
}
source "file" "text" {
  content = "hello\n"
  target  = "out/text"
}
build {
  name    = "all"
  sources = ["null.host", "file.text"]
  provisioner "shell-local" {
    inline = ["echo $PACKER_BUILDER_TYPE ${build.ID} >${source.name}"]
  }
  provisioner "sleep" {
    duration = "1ms"
  }
  provisioner "breakpoint" {
    disable = true
  }
  post-processors {
    post-processor "artifice" {
      files = ["hos*", "tex*"]
    }
    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "{{.BuilderType}}.{{.ChecksumType}}"
    }
    post-processor "compress" {
      output              = "{{.BuilderType}}.tar.gz"
      keep_input_artifact = true
    }
    post-processor "manifest" {
      strip_time = true
    }
    post-processor "shell-local" {
      inline = ["echo done >done-${source.name}"]
    }
  }
}`)
	if err != nil {
		t.Fatal(err)
	}
	results, err := plan.Run(t.Context(), pipeline.RunOptions{Sink: discard{}, Parallel: 1})
	if err != nil || len(results) != 2 {
		t.Fatal(results, err)
	}
	for name, want := range map[string]string{
		"host": "null Null\n", "text": "file File\n", "out/text": "hello\n", "done-host": "done\n", "done-text": "done\n",
	} {
		if text, err := os.ReadFile(name); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if got := members(t, "null.tar.gz"); strings.Join(got, " ") != "host null.sha256" {
		t.Errorf("null.tar.gz has %v", got)
	}
	text, err := os.ReadFile("packer-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Builds []struct {
			Builder string `json:"builder_type"`
			Files   []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil || len(manifest.Builds) != 2 || manifest.Builds[1].Files[0].Name != "file.tar.gz" {
		t.Errorf("%s: %v", text, err)
	}
}

// members returns the names in a .tar.gz.
func members(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for archive := tar.NewReader(z); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(header.Name))
	}
}

func TestWindowsIsRefused(t *testing.T) {
	for _, name := range []string{"powershell", "windows-shell", "windows-restart"} {
		_, err := planned(t, `
source "null" "a" { communicator = "none" }
build {
  sources = ["null.a"]
  provisioner "`+name+`" { anything = "at all" }
}`)
		if err == nil || !strings.Contains(err.Error(), "use Packer for Windows guests") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingIsShared: each call of a factory gives an instance of its own.
func TestNothingIsShared(t *testing.T) {
	registry := Registry()
	for name, create := range registry.DataSources {
		one, err := create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other, err := create(t.Context())
		if err != nil || one == other || len(one.OutputSpec()) == 0 {
			t.Errorf("data source %s: %v", name, err)
		}
	}
	for name, create := range registry.Builders {
		one, err := create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if other, err := create(t.Context()); err != nil || one == other {
			t.Errorf("source %s: %v", name, err)
		}
	}
}
