package compress

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// content is text, what does not compress, and more than a block of any format.
func content() []byte {
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 200<<10)
	_, _ = random.Read(noise)
	return append(bytes.Repeat([]byte("text\n"), 1<<18), noise...)
}

// write makes files in a new current directory.
func write(t *testing.T, files map[string][]byte) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o640)); err != nil {
			t.Fatal(err)
		}
	}
}

func prepared(t *testing.T, config map[string]any) *PostProcessor {
	t.Helper()
	p := new(PostProcessor)
	if err := p.Configure(map[string]any{"packer_build_name": "n", "packer_builder_type": "t"}, config); err != nil {
		t.Fatal(err)
	}
	return p
}

// readers decompress by name.
var readers = map[string]func(io.Reader) (io.Reader, error){
	"":      func(r io.Reader) (io.Reader, error) { return r, nil },
	"gzip":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	"bzip2": func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil },
	"lz4":   func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil },
	"xz":    func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) },
}

// untar returns the files of a tar.
func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostProcess(t *testing.T) {
	text := content()
	for name, c := range map[string]struct {
		config      map[string]any
		made        string
		compression string
		tar         bool
	}{
		"default":     {nil, "packer_n_t", "gzip", true},
		"tar":         {map[string]any{"output": "x.tar"}, "x.tar", "", true},
		"tar.gz":      {map[string]any{"output": "new/{{.BuildName}}-{{.ID}}.tar.gz"}, "new/n-7.tar.gz", "gzip", true},
		"tgz":         {map[string]any{"output": "x.tgz"}, "x.tgz", "gzip", true},
		"tar.xz":      {map[string]any{"output": "x.tar.xz"}, "x.tar.xz", "xz", true},
		"gz":          {map[string]any{"output": "x.gz", "compression_level": 9}, "x.gz", "gzip", false},
		"gz, fast":    {map[string]any{"output": "x.gz", "compression_level": 1}, "x.gz", "gzip", false},
		"more than 9": {map[string]any{"output": "x.lz4", "compression_level": 99}, "x.lz4", "lz4", false},
		"bgzf":        {map[string]any{"output": "x.bgzf"}, "x.bgzf", "gzip", false},
		"bz2":         {map[string]any{"output": "x.bz2"}, "x.bz2", "bzip2", false},
		"tar.bzip2":   {map[string]any{"output": "x.tar.bzip2", "compression_level": 1}, "x.tar.bzip2", "bzip2", true},
		"lz4":         {map[string]any{"output": "x.lz4"}, "x.lz4", "lz4", false},
		"xz":          {map[string]any{"output": "x.xz"}, "x.xz", "xz", false},
		"format":      {map[string]any{"output": "x.data", "format": "xz"}, "x.data", "xz", false},
		"tar.format":  {map[string]any{"output": "x", "format": "tar.lz4"}, "x", "lz4", true},
		"unknown end": {map[string]any{"output": "x.ova"}, "x.ova", "gzip", true},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string][]byte{"out/disk": text})
			in := &packersdk.MockArtifact{FilesValue: []string{"out/disk"}, StateValues: map[string]any{"generated_data": map[any]any{"ID": 7}}}
			made, keep, force, err := prepared(t, c.config).PostProcess(t.Context(), packersdk.TestUi(t), in)
			if err != nil || keep || force || !slices.Equal(made.Files(), []string{c.made}) || made.BuilderId() != BuilderID {
				t.Fatalf("%v, keep %v, force %v, %v", made, keep, force, err)
			}
			f, err := os.Open(c.made)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			r, err := readers[c.compression](f)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			if c.tar {
				files := untar(t, r)
				if got = files["disk"]; len(files) != 1 {
					t.Errorf("the tar has %d files", len(files))
				}
			} else if got, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, text) {
				t.Errorf("%d bytes are not the %d that were compressed", len(got), len(text))
			}
			if err := made.Destroy(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestZip(t *testing.T) {
	files := map[string][]byte{"out/a": content(), "out/sub/b": nil}
	write(t, files)
	in := &packersdk.MockArtifact{FilesValue: slices.Sorted(maps.Keys(files)), StateValues: map[string]any{}}
	sizes := map[int]int64{}
	for _, level := range []int{1, 9} {
		p := prepared(t, map[string]any{"output": "x.zip", "compression_level": level})
		if _, _, _, err := p.PostProcess(t.Context(), packersdk.TestUi(t), in); err != nil {
			t.Fatal(err)
		}
		archive, err := zip.OpenReader("x.zip")
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			f, err := archive.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		_ = archive.Close()
		info, err := os.Stat("x.zip")
		if err != nil {
			t.Fatal(err)
		}
		sizes[level] = info.Size()
	}
	if sizes[9] == sizes[1] {
		t.Errorf("sizes by level: %v", sizes)
	}
}

// TestBlocks: each block of BGZF says its length, and an empty one is the last.
func TestBlocks(t *testing.T) {
	var file bytes.Buffer
	z, err := toBGZF(t.Context(), &file, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(content()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, last := 0, 0
	for rest := file.Bytes(); len(rest) > 0; rest = rest[last:] {
		if string(rest[12:16]) != "BC\x02\x00" {
			t.Fatalf("block %d begins with %x", blocks, rest[:18])
		}
		last = int(binary.LittleEndian.Uint16(rest[16:])) + 1
		r, err := gzip.NewReader(bytes.NewReader(rest[:last]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		blocks++
	}
	if want := len(content())/bgzfBlock + 2; blocks != want || last > 40 {
		t.Errorf("%d blocks, want %d; the last has %d bytes", blocks, want, last)
	}
}

// TestFailuresLeaveNothing: a file is made whole or not at all.
func TestFailuresLeaveNothing(t *testing.T) {
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("Ctrl-C"))
	for name, c := range map[string]struct {
		ctx    context.Context //nolint:containedctx // of one case
		output string
		files  []string
		fault  string
	}{
		"no files":         {t.Context(), "x.zip", nil, "no files"},
		"two files":        {t.Context(), "x.xz", []string{"a", "b"}, "end it in .tar.xz"},
		"itself":           {t.Context(), "a", []string{"a"}, "output: a is a file of the artifact"},
		"missing":          {t.Context(), "x.tar.gz", []string{"none"}, "open none"},
		"a directory":      {t.Context(), "x.tar", []string{"."}, "is a directory"},
		"stopped":          {stopped, "x.tar.lz4", []string{"a"}, "Ctrl-C"},
		"stopped, bzip2":   {stopped, "x.bz2", []string{"a"}, "Ctrl-C"},
		"missing in bzip2": {t.Context(), "x.bz2", []string{"none"}, "open none"},
	} {
		write(t, map[string][]byte{"a": content(), "b": nil})
		in := &packersdk.MockArtifact{FilesValue: c.files, StateValues: map[string]any{}}
		if c.files == nil {
			in.FilesValue = []string{}
		}
		_, _, _, err := prepared(t, map[string]any{"output": c.output}).PostProcess(c.ctx, packersdk.TestUi(t), in)
		if err == nil || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if left, err := os.ReadDir("."); err != nil || len(left) != 2 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

func TestConfigure(t *testing.T) {
	err := new(PostProcessor).Configure(map[string]any{"format": "rar", "compression_level": -2})
	for _, want := range []string{`format: "rar"`, "compression_level: -2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err := new(PostProcessor).Configure(map[string]any{"output": "{{.X"}); err == nil || !strings.Contains(err.Error(), "output") {
		t.Errorf("a broken template: %v", err)
	}
}
