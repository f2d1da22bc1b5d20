package fileset

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample() Set {
	s := Set{}
	s.Add(
		Dir("/a", 0o755, ""), Text("/a/b", "hello"), Symlink("/a/c", "b"),
		File{Path: "/a/run", Mode: 0o755, Data: []byte("#!/bin/sh\n")}, Dir("/var/x", 0o750, "www-data"),
	)
	return s
}

func TestManifest(t *testing.T) {
	m, err := sample().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	text := m.String()
	if !strings.Contains(text, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  100644  /a/b\n") ||
		!strings.Contains(text, "  040750:www-data  /var/x\n") || !strings.Contains(text, "  120777  /a/c\n") {
		t.Error(text)
	}
	again, err := ParseManifest(strings.NewReader(text))
	if err != nil || !cmp.Equal(m, again) {
		t.Errorf("%v\n%s", err, cmp.Diff(m, again))
	}
}

func TestDiff(t *testing.T) {
	e := func(sum, mode string) Entry { return Entry{Sum: sum, Mode: mode} }
	for name, test := range map[string]struct {
		old, new      Manifest
		changed, gone []string
	}{
		"first":   {nil, Manifest{"/b": e("1", "m"), "/a": e("1", "m")}, []string{"/a", "/b"}, nil},
		"same":    {Manifest{"/a": e("1", "m")}, Manifest{"/a": e("1", "m")}, nil, nil},
		"content": {Manifest{"/a": e("1", "m")}, Manifest{"/a": e("2", "m")}, []string{"/a"}, nil},
		"mode":    {Manifest{"/a": e("1", "m")}, Manifest{"/a": e("1", "n")}, []string{"/a"}, nil},
		"gone":    {Manifest{"/d": e("1", "m"), "/d/a": e("1", "m"), "/e": e("1", "m")}, Manifest{"/e": e("1", "m")}, nil, []string{"/d/a", "/d"}},
	} {
		changed, gone := test.new.Diff(test.old)
		if !cmp.Equal(changed, test.changed) || !cmp.Equal(gone, test.gone) {
			t.Errorf("%s: %v, %v", name, changed, gone)
		}
	}
}

func TestTarAndTree(t *testing.T) {
	var archive bytes.Buffer
	written := int64(0)
	if err := WriteTar(&archive, sample().Sorted(), time.Unix(1, 0), func(n int64) { written += n }); err != nil {
		t.Fatal(err)
	}
	if written != 15 {
		t.Errorf("%d bytes of content", written)
	}
	dir := t.TempDir()
	if err := ReadTar(&archive, dir); err != nil {
		t.Fatal(err)
	}
	tree, err := Tree(dir, "/", func(rel string) bool { return rel == "var" })
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	delete(want, "/var/x")
	a, _ := want.Digest()
	b, _ := tree.Digest()
	if a != b {
		t.Errorf("%v\n%v", want.Sorted(), tree.Sorted())
	}
}

func TestReadTarStaysInside(t *testing.T) {
	for _, path := range []string{"/../evil", "/link/evil"} {
		outside := t.TempDir()
		files := []File{Symlink("/link", outside), Text(path, "x")}
		var archive bytes.Buffer
		if err := WriteTar(&archive, files, time.Unix(1, 0), nil); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := ReadTar(&archive, dir); err == nil {
			t.Errorf("%s: no error", path)
		}
		for _, evil := range []string{filepath.Join(dir, "..", "evil"), filepath.Join(outside, "evil")} {
			if _, err := os.Stat(evil); err == nil {
				t.Errorf("%s got out", path)
			}
		}
	}
}

func TestWriteTo(t *testing.T) {
	dir := t.TempDir()
	if err := sample().WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "a/c"))
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error(info, err)
	}
}

// A list from a guest is understood or refused, and never worse.
func FuzzParseManifest(f *testing.F) {
	m, _ := sample().Manifest()
	f.Add(m.String())
	f.Add("x  y  z\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseManifest(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := ParseManifest(strings.NewReader(m.String()))
		if err != nil || !cmp.Equal(m, again) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
