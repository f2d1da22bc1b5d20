package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	image    = []byte("a disk")
	packages = []Package{{"perl", "5.36.0-7", "amd64"}, {"adduser", "3.134", "all"}, {"libc6", "2.36-9", "i386"}, {"libc6", "2.36-9", "amd64"}}
)

func sample() Manifest {
	return Manifest{
		Name: "amigo", Variant: "production", Version: "2.5.17",
		Created: time.Date(2026, 8, 21, 12, 30, 15, 999, time.FixedZone("", 7200)),
		Files: []File{{
			Name: "amigo.qcow2", Role: Disk, Format: "qcow2",
			Size: int64(len(image)), VirtualSize: 8 << 30, SHA256: Digest(image),
		}},
		Parent:   &Parent{Variant: "distribution", SHA256: strings.Repeat("ab", 32)},
		Base:     json.RawMessage(`{"distribution":"debian","release":"bookworm"}`),
		AmiGO:    AmiGO{Version: "2.5.17", Commit: "0123abc", Source: "https://example.org/amigo?a=1&b=<2>", Serve: "workers"},
		GOlr:     GOlr{Documents: 120, Date: "2026-08-01", DOI: "10.5281/zenodo.1"},
		System:   System{Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-40-amd64"},
		BootTest: BootTest{Accelerator: "tcg", Checks: 61, Boots: []Boot{{"bios", false, 41.5, 90}, {"uefi", true, 50.25, 101}}},
		Tool:     Tool{Name: "packer-plugin-amigo", Version: "1.0.0", QEMU: "7.2.22"},
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "amigo.qcow2"), image, 0o644); err != nil {
		t.Fatal(err)
	}
	names, err := Write(dir, sample(), packages)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		golden(t, dir, name)
	}
	check := command.Cmd{Name: "sha256sum", Args: []string{"--check", "--strict", SumsName}, Dir: dir}
	if err := command.Run(t.Context(), check); err != nil {
		t.Error(err)
	}
}

func golden(t *testing.T, dir, name string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestReadBack(t *testing.T) {
	want := sample()
	content, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(content)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || !bytes.Equal(content, again) {
		t.Errorf("a manifest changes when it is read and written (%v):\n%s", err, cmp.Diff(string(content), string(again)))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"other schema", `"schema": 1`, `"schema": 2`, "schema 2 is not known"},
		{"no JSON", `{`, `[`, "reading manifest.json"},
		{"path", `"name": "amigo.qcow2"`, `"name": "../amigo.qcow2"`, "is not the name of a file"},
		{"line break", `"name": "amigo.qcow2"`, `"name": "a\nb"`, "is not the name of a file"},
		{"short digest", Digest(image), "abcd", "not a SHA-256 digest"},
		{"parent", strings.Repeat("ab", 32), "", "parent"},
		{"no disk", `"disk"`, `"floppy"`, "names no disk"},
		{"negative size", `"size": 6`, `"size": -6`, "negative size"},
		{"no variant", `"variant": "production"`, `"variant": ""`, "variant is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content, err := sample().Encode()
			if err != nil {
				t.Fatal(err)
			}
			bad := strings.Replace(string(content), test.old, test.new, 1)
			if bad == string(content) {
				t.Fatalf("no %s in\n%s", test.old, content)
			}
			if _, err := Decode([]byte(bad)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestParseSums(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	sums := []Sum{{digest, "b c"}, {digest, "a"}}
	got, err := ParseSums(strings.NewReader(FormatSums(sums)))
	if diff := cmp.Diff([]Sum{sums[1], sums[0]}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, bad := range []string{digest, digest + "  ", digest + " a", digest + "  ../a", "abcd  a", "\\" + digest + "  a\\n"} {
		if _, err := ParseSums(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParsePackagesRefuses(t *testing.T) {
	if _, err := ParsePackages(strings.NewReader("perl 5.36.0-7\n")); err == nil {
		t.Error("a package without an architecture was read")
	}
}

// FuzzDecode: what can be read can be written, names no file elsewhere, and
// reads back as itself.
func FuzzDecode(f *testing.F) {
	content, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Decode(content)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if strings.ContainsAny(file.Name, "/\n") || file.Name == ".." {
				t.Errorf("file %q", file.Name)
			}
		}
		first, err := m.Encode()
		if err != nil {
			return // a time that JSON cannot say
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v\n%s\n%s", err, first, second)
		}
	})
}
