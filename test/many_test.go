//go:build vm && long

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

const many = `
source "amigo-qemu" "one" {
  bootstrap { packages = ["apache2"] }
  disk_size        = "2G"
  memory           = 1024
  cpus             = 1
  output_directory = "%[1]s/out/one"
}
source "amigo-qemu" "two" {
  bootstrap { packages = ["apache2"] }
  disk_size        = "2G"
  memory           = 1024
  cpus             = 1
  output_directory = "%[1]s/out/two"
}
source "file" "f" {
  content = "content"
}
source "null" "n" {
  communicator = "none"
}
build {
  sources = ["source.amigo-qemu.one", "source.amigo-qemu.two"]
  provisioner "shell" {
    inline = ["hostname"]
  }
}
build {
  dynamic "source" {
    for_each = range(4)
    labels   = ["source.file.f"]
    content {
      name   = "f${source.value}"
      target = "%[1]s/out/f${source.value}"
    }
  }
  post-processor "shell-local" {
    scripts = ["%[1]s/script"]
  }
}
build {
  dynamic "source" {
    for_each = range(4)
    labels   = ["source.null.n"]
    content {
      name = "n${source.value}"
    }
  }
  provisioner "shell-local" {
    inline = [for n in range(10) : "echo ${n} >>%[1]s/out/${source.name}"]
  }
}
`

// TestManyBuilds makes eight small builds and two of machines at once, in one process,
// with a cache that has no base yet: one of the two makes it, and the other waits.
func TestManyBuilds(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "t.pkr.hcl", fmt.Sprintf(many, dir))
	warm(t, dir, []string{"base"})
	var out, errs bytes.Buffer
	err := command.Run(t.Context(), command.Cmd{
		Name: program, Args: []string{"build", "--json", filepath.Join(dir, "t.pkr.hcl")},
		Env: []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}, Stdout: &out, Stderr: &errs,
	})
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &errs)
	}
	if made := bases(t, &out); made != 1 {
		t.Errorf("%d builds made the base", made)
	}
	for _, name := range []string{"one/one.qcow2", "two/two.qcow2", "f0", "f1", "f2", "f3"} {
		if info, err := os.Stat(filepath.Join(dir, "out", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range 4 {
		name := fmt.Sprintf("n%d", n)
		if got := contentOf(t, filepath.Join(dir, "out", name)); strings.Join(strings.Fields(got), "") != "0123456789" {
			t.Errorf("%s has %q", name, got)
		}
	}
}

// bases counts the builds whose base did not come from the cache.
func bases(t *testing.T, told *bytes.Buffer) (made int) {
	t.Helper()
	for decoder := json.NewDecoder(told); decoder.More(); {
		var e struct{ Type, Phase, Status string }
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "phase-end" && e.Phase == "base" && e.Status == "ok" {
			made++
		}
	}
	return made
}
