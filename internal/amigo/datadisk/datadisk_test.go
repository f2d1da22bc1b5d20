package datadisk

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// content is that of a disk whose index has a few files.
func content(t *testing.T) Content {
	t.Helper()
	dir := t.TempDir()
	for name, size := range map[string]int{"segments_2": 100, "segments.gen": 20, "_1.fdt": 3 << 20, "_1.frq": 0} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{7}, size), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	known, err := release.Of("ontology\tv\t2026-10-07 (01:02)\tgo.owl\n", `{"doi": "10.5281/zenodo.1205166"}`)
	if err != nil {
		t.Fatal(err)
	}
	return Content{
		Index:   golr.Index{Dir: dir, Digest: "index", Documents: 42, Kinds: map[string]int64{"annotation": 42}, Term: "GO:1", Label: "a <term>"},
		Release: known, Schema: "5c4e3a",
	}
}

// read returns a file of a disk.
func read(t *testing.T, disk, path string) string {
	t.Helper()
	var out bytes.Buffer
	if err := command.Run(t.Context(), command.Cmd{Name: "debugfs", Args: []string{"-R", "cat " + path, disk}, Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestMake: the same data give the same bytes, whoever makes the disk and whenever.
func TestMake(t *testing.T) {
	c := content(t)
	var sums []string
	for i := range 2 {
		disk, cached, err := Make(t.Context(), cache.At(t.TempDir()), c)
		if err != nil || cached {
			t.Fatal(cached, err)
		}
		_, sum, err := manifest.DigestFile(disk.Path, func(int64, int64) {})
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
		if i > 0 {
			continue
		}
		for file := range map[string]int{"segments_2": 1, "_1.frq": 1} {
			if err := os.Chtimes(filepath.Join(c.Index.Dir, file), time.Now(), time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		want := "DATA_DOI_IN_USE\t10.5281/zenodo.1205166\nGOLR_TIMESTAMP_LAST\t2026-10-07 (01:02)\nZENODO_CONCEPT_IN_USE\t1205166\n" +
			"DATE\t2026-10-07\nDOI\t10.5281/zenodo.1205166\nDOCUMENTS\t42\nSCHEMA\t5c4e3a\n"
		if diff := cmp.Diff(want, read(t, disk.Path, "/release")); diff != "" {
			t.Error(diff)
		}
		if about := read(t, disk.Path, "/about.json"); !strings.Contains(about, `"on": "data"`) || !strings.Contains(about, `"term": "GO:1"`) {
			t.Error(about)
		}
		if got := read(t, disk.Path, "/index/segments_2"); len(got) != 100 {
			t.Errorf("segments_2 has %d bytes", len(got))
		}
		entries, err := os.ReadDir(filepath.Dir(disk.Path))
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the disk there is more: %v, %v", entries, err)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("the same data gave %q", sums)
	}
}

// TestMakeRefuses: what is in an index's directory and is none of Lucene's files.
func TestMakeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"directory": func(dir string) error { return os.Mkdir(filepath.Join(dir, "more"), 0o755) },
		"link":      func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "_2.fdt")) },
		"name":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\nquit"), nil, 0o644) },
		"missing":   os.RemoveAll,
	} {
		c := content(t)
		if err := spoil(c.Index.Dir); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, _, err := Make(t.Context(), cache.At(dir), c); err == nil {
			t.Errorf("%s: taken", name)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "data", "*", "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left %q, %v", name, left, err)
		}
	}
}

// TestExample: example data say on the disk, too, that nobody should cite them.
func TestExample(t *testing.T) {
	c := content(t)
	known, err := release.Of("", `{"doi": "10.5072/example"}`)
	if err != nil {
		t.Fatal(err)
	}
	c.Release = known
	lines := c.lines()
	for _, want := range []string{"EXAMPLE\tyes\n", "DATA_DOI_IN_USE\t\n", "(example data, not a GO release: do not cite)"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
	if words := c.About().Words(); !strings.Contains(words, "do not cite") {
		t.Error(words)
	}
}
