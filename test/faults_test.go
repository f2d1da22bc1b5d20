//go:build vm

package test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// Exit statuses, as amigo-image's help has them.
const (
	notValid    = 1
	buildFailed = 11
	noNetwork   = 20
	notVerified = 21
	noSpace     = 22
	hostLacks   = 23
	interrupted = 130
)

// fault is a build that must fail.
type fault struct {
	// source is the body of the source, in which %[1]s is a directory of the
	// test's own; "" has builder "null" offer a root file system, for what
	// fails before a guest is touched.
	source  string
	amigo   string   // body of the provisioner, or ""
	env     []string // added to the environment
	prepare func(t *testing.T, dir string)
	status  int
	says    []string // parts of the message
}

const blank = `
  disk_image {
    url      = "%[1]s/blank.qcow2"
    checksum = "none"
  }
  ssh_timeout = "5s"
`

const golrBlock = `
    golr {
      documents = ["` + template + `/sample/golr-documents.xml"]
    }
`

func faults() map[string]fault {
	return map[string]fault{
		"no qemu": {
			source: blank, prepare: makeBlank, env: []string{"PATH=%[1]s/bin"},
			status: hostLacks, says: []string{"qemu", "apt-get install"},
		},
		"no mmdebstrap": {
			source: "bootstrap {}", prepare: hide("mmdebstrap"), env: []string{"PATH=%[1]s/bin", "XDG_CACHE_HOME=%[1]s/cache"},
			status: hostLacks, says: []string{"mmdebstrap", "apt-get install mmdebstrap"},
		},
		"acceleration is required": {
			source: "accelerators = [\"tcg\"]\n require_acceleration = true\n" + blank, prepare: makeBlank,
			status: hostLacks, says: []string{"require_acceleration"},
		},
		"wrong checksum": {
			source: "disk_image {\n url = \"%[1]s/blank.qcow2\"\n checksum = \"sha256:" + strings.Repeat("0", 64) + "\"\n}", prepare: makeBlank,
			status: notVerified, says: []string{"hecksum"},
		},
		"unreachable mirror": {
			source: `bootstrap { mirror = "http://127.0.0.1:1/debian" }`,
			status: noNetwork, says: []string{"127.0.0.1:1", "mirror"},
		},
		"guest that never answers": {
			source: blank, prepare: makeBlank,
			status: buildFailed, says: []string{"did not answer ssh"},
		},
		"output directory of somebody else": {
			source: blank, prepare: func(t *testing.T, dir string) {
				makeBlank(t, dir)
				write(t, dir, "out/thesis.txt", "mine")
			},
			status: buildFailed, says: []string{"was not made by amigo-image"},
		},
		"unreachable git host": {
			source: blank, prepare: makeBlank, amigo: `source = "https://127.0.0.1:1/amigo.git"` + golrBlock,
			status: noNetwork, says: []string{"127.0.0.1:1"},
		},
		"archive with another checksum": {
			source: blank, prepare: func(t *testing.T, dir string) {
				makeBlank(t, dir)
				run(t, "", "tar", "-C", template, "-czf", filepath.Join(dir, "amigo.tgz"), "sample")
			},
			amigo:  "source = \"%[1]s/amigo.tgz\"\n source_checksum = \"sha256:" + strings.Repeat("0", 64) + `"` + golrBlock,
			status: notVerified, says: []string{"amigo.tgz", "hecksum"},
		},
		"source that is not AmiGO": {
			source: blank, prepare: func(t *testing.T, dir string) {
				makeBlank(t, dir)
				write(t, dir, "amigo/README", "not it")
			},
			amigo: `source = "%[1]s/amigo"` + golrBlock, status: notValid, says: []string{"AmiGO"},
		},
	}
}

// broken are builds of a copy of the sample in which one thing is broken.
func broken() map[string]fault {
	const source = `source = "%[1]s/amigo"`
	return map[string]fault{
		"install that fails": {
			amigo: source + golrBlock, prepare: spoil("install", "#!/bin/sh\necho no setting of mine\nexit 3\n"),
			status: buildFailed, says: []string{"error: AmiGO's install failed", "provisioner amigo", "no setting of mine", "log: "},
		},
		"bundling that fails": {
			amigo: source + golrBlock, prepare: spoil("javascript/web/Bad.js", "var x = (\n"),
			status: buildFailed, says: []string{"error: AmiGO's bundling failed", "provisioner amigo", "Bad.js", "log: "},
		},
		"index that GOlr cannot open": {
			amigo: source + "\n golr {\n index = \"%[1]s/index\"\n}", prepare: func(t *testing.T, dir string) {
				spoil("README.md", "")(t, dir)
				write(t, dir, "index/segments_2", "no segments")
			},
			status: buildFailed, says: []string{"error: golr", "the index is damaged", "provisioner amigo", "log: "},
		},
	}
}

// spoil makes a copy of the sample with another content of a file.
func spoil(name, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		copied := filepath.Join(dir, "amigo")
		if err := os.CopyFS(copied, os.DirFS(template+"/sample")); err != nil {
			t.Fatal(err)
		}
		write(t, copied, name, content)
	}
}

func TestFaults(t *testing.T) {
	all := faults()
	maps.Copy(all, broken())
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if f.prepare != nil {
				f.prepare(t, dir)
			}
			write(t, dir, "t.pkr.hcl", f.template(t, dir))
			env := make([]string, len(f.env))
			for i, pair := range f.env {
				env[i] = fmt.Sprintf(pair, dir)
			}
			var out bytes.Buffer
			err := command.Run(t.Context(), command.Cmd{
				Name: f.program(t), Args: []string{"build", filepath.Join(dir, "t.pkr.hcl")}, Env: env, Stdout: &out, Stderr: &out,
			})
			var exit *command.ExitError
			if !errors.As(err, &exit) || exit.Code != f.status {
				t.Errorf("got %v, want status %d", err, f.status)
			}
			for _, part := range f.says {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%q is not said", part)
				}
			}
			nothingLeft(t, dir)
			if t.Failed() {
				t.Logf("%s", &out)
			}
		})
	}
}

func (f fault) program(t *testing.T) string {
	t.Helper()
	if f.source != "" {
		return program
	}
	return preparedProgram(t)
}

func (f fault) template(t *testing.T, dir string) string {
	t.Helper()
	provisioner := ""
	if f.amigo != "" {
		provisioner = "provisioner \"amigo\" {\n" + f.amigo + "\n}"
	}
	builder, source := "amigo-qemu", "output_directory = \"%[1]s/out\"\n"+f.source
	if f.source == "" {
		store, err := cache.Default()
		if err != nil {
			t.Fatal(err)
		}
		builder, source = "null", "rootfs = \""+rootFS(t, store)+"\""
	}
	text := "source \"" + builder + "\" \"t\" {\n" + source + "\n}\n" +
		"build {\n sources = [\"source." + builder + ".t\"]\n" + provisioner + "\n}\n"
	return fmt.Sprintf(text, dir)
}

// nothingLeft fails if there is a disk or something unfinished, or a machine
// of this test that still runs.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	partial, err := filepath.Glob(filepath.Join(dir, "*.partial-*"))
	if err != nil || len(partial) > 0 {
		t.Errorf("left behind: %q, %v", partial, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "t.qcow2")); !os.IsNotExist(err) {
		t.Error("there is a disk under the final name")
	}
	if running := machinesOf(t, dir); running != "" {
		t.Errorf("still running: %s", running)
	}
}

// machinesOf returns the command lines of processes that name dir.
func machinesOf(t *testing.T, dir string) string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(line, []byte("/usr/bin/qemu")) && bytes.Contains(line, []byte(dir)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return strings.Join(found, "\n")
}

func makeBlank(t *testing.T, dir string) {
	t.Helper()
	raw := filepath.Join(dir, "blank.raw")
	if err := os.WriteFile(raw, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(raw, 16<<20); err != nil {
		t.Fatal(err)
	}
	err := qemuimg.Convert(t.Context(), qemuimg.Conversion{
		Source: raw, SourceFormat: "raw", Target: filepath.Join(dir, "blank.qcow2"),
	}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	hide("qemu-system-x86_64")(t, dir)
}

// hide makes the directory bin with all programs of the host but one.
func hide(hidden string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		bin := filepath.Join(dir, "bin")
		if err := os.Mkdir(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"/usr/bin", "/usr/sbin"} {
			entries, err := os.ReadDir(from)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if entry.Name() != hidden {
					_ = os.Symlink(filepath.Join(from, entry.Name()), filepath.Join(bin, entry.Name()))
				}
			}
		}
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk builds into a file system that is too small.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) }()
	var out bytes.Buffer
	err := command.Run(t.Context(), command.Cmd{Name: program, Stdout: &out, Stderr: &out, Args: []string{
		"build", "-var", "output=" + small, template,
	}})
	var exit *command.ExitError
	if !errors.As(err, &exit) || exit.Code != noSpace {
		t.Errorf("got %v, want status %d\n%s", err, noSpace, &out)
	}
	nothingLeft(t, small)
}
