package npm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// hostNPM puts an npm on the path that takes the same command line and runs script, with
// the directory for the package in $to. The tests of images use the real one.
func hostNPM(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	head := "#!/bin/sh\n[ \"$1 $2 $3 $5 $6\" = 'pack npm@" + Version + " --pack-destination --ignore-scripts --loglevel=error' ] || exit 2\nto=$4\n"
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte(head+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestGetFails(t *testing.T) {
	for name, test := range map[string]struct {
		script, path string
		code         int
		says         []string
	}{
		"another file": {"echo another >$to/" + file, "", fault.Verify, []string{"npm@" + Version + " has sha256 ", "should have " + sha256}},
		"not there":    {"echo 'npm error code E404' >&2; exit 1", "", fault.Other, []string{"npm " + Version + " can't be fetched: ", "E404", "npm_package"}},
		"no npm":       {"", "/nonexistent", fault.Host, []string{"npm is not installed", "apt-get install npm, or set npm_package"}},
	} {
		t.Run(name, func(t *testing.T) {
			hostNPM(t, test.script)
			if test.path != "" {
				t.Setenv("PATH", test.path)
			}
			_, err := Get(t.Context(), cache.At(t.TempDir()), Spec{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, words := range test.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q is not in %v", words, err)
				}
			}
			if strings.Contains(err.Error(), "\n") || fault.Of(err).Code != test.code {
				t.Errorf("code %d: %v", fault.Of(err).Code, err)
			}
		})
	}
}

// TestAsks: the registry and the authorities of a template are the host's npm's.
func TestAsks(t *testing.T) {
	hostNPM(t, `echo "$npm_config_registry $NODE_EXTRA_CA_CERTS $npm_config_cafile" >&2; exit 1`)
	_, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Registry: "https://npm.example.org/", Trust: "/ca.pem"})
	if err == nil || !strings.Contains(err.Error(), "https://npm.example.org/ /ca.pem /ca.pem") {
		t.Error(err)
	}
}

// TestGetAnother: a package that is not npm's is refused, with the setting that names it.
func TestGetAnother(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "package"), 0o755), os.WriteFile(filepath.Join(dir, "package", "x"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	tar := command.Cmd{Name: "tar", Args: []string{"-C", dir, "-czf", filepath.Join(dir, "x.tgz"), "package"}}
	if err := command.Run(t.Context(), tar); err != nil {
		t.Fatal(err)
	}
	_, err := Get(t.Context(), cache.At(t.TempDir()), Spec{Package: filepath.Join(dir, "x.tgz")})
	if err == nil || !strings.HasPrefix(err.Error(), "NPM.Package: it is not npm's package") {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	sum := "sha256:" + strings.Repeat("0", 64)
	here := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(here, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		spec Spec
		says string
	}{
		{Spec{}, ""},
		{Spec{Package: here}, ""},
		{Spec{Package: here, Checksum: sum}, ""},
		{Spec{Package: "https://example.org/npm.tgz", Checksum: sum}, ""},
		{Spec{Package: "https://example.org/npm.tgz"}, "NPM.Checksum: is missing"},
		{Spec{Package: here, Checksum: "md5:1"}, "NPM.Checksum: "},
		{Spec{Checksum: sum}, "NPM.Checksum: there is no file"},
		{Spec{Package: "/nowhere"}, "NPM.Package: "},
	} {
		err := test.spec.Validate()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.spec, err)
		}
	}
}

// TestFiles: a shell finds npm, and its documents stay out.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"bin/npm-cli.js", "bin/npx-cli.js", "docs/output/npm.html", "package.json"} {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f := files["/usr/local/bin/npm"]; f.Link != Root+"/bin/npm-cli.js" || files[f.Link].Mode != 0o755 {
		t.Errorf("%+v", f)
	}
	if _, ok := files[Root+"/docs"]; ok {
		t.Error("the documents are there")
	}
}
