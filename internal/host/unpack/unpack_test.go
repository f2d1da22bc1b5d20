package unpack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// tarball writes a compressed tar file.
func tarball(t testing.TB, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return keep(t, "a.tar.gz", b.Bytes())
}

func keep(t testing.TB, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHostileArchives(t *testing.T) {
	link := func(name, target string) tar.Header {
		return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink, Mode: 0o777}
	}
	dir := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }
	file := func(name string) tar.Header { return tar.Header{Name: name, Size: 1, Mode: 0o644} }
	for name, headers := range map[string][]tar.Header{
		"a device":                    {{Name: "d", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		"a block device":              {{Name: "d", Typeflag: tar.TypeBlock, Devmajor: 8}},
		"a FIFO":                      {{Name: "f", Typeflag: tar.TypeFifo}},
		"an absolute name":            {file("/tmp/evil")},
		"a name that climbs":          {file("a/../../evil")},
		"a link to an absolute path":  {link("l", "/etc/passwd")},
		"a link that climbs":          {link("a/l", "../../etc")},
		"a link to nothing":           {link("l", "")},
		"a file through a link out":   {link("l", ".."), file("l/evil")},
		"a file through a link in":    {dir("d"), link("l", "d"), file("l/evil")},
		"a link behind a link":        {link("q", "."), link("q/l", "../x")},
		"a directory through a link":  {dir("d"), link("l", "d"), dir("l/e")},
		"a hard link out":             {{Name: "h", Linkname: "../../etc/passwd", Typeflag: tar.TypeLink}},
		"a hard link to a link":       {file("x"), link("l", "x"), {Name: "h", Linkname: "l", Typeflag: tar.TypeLink}},
		"a name that is there twice":  {file("x"), file("x")},
		"a file in place of a folder": {dir("x"), file("x")},
		"a control character":         {file("x\x1b[2J")},
		"a line feed":                 {file("x\ny")},
		"no UTF-8":                    {file("x\xff")},
		"a name that is too long":     {file(strings.Repeat("a/", 3000) + "x")},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			err := File(t.Context(), tarball(t, headers...), filepath.Join(parent, "in"))
			var wrong *MemberError
			if !errors.As(err, &wrong) {
				t.Errorf("%v is not a MemberError", err)
			}
			entries, err := os.ReadDir(parent)
			if err != nil || len(entries) != 1 {
				t.Errorf("beside the directory: %v, %v", entries, err)
			}
		})
	}
}

// What an archive of a source may well have comes out of it, without modes that
// give somebody rights.
func TestUnpackKeepsWhatIsFine(t *testing.T) {
	archive := tarball(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o777},
		tar.Header{Name: "./bin/", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "./bin/run", Size: 5, Mode: 0o6755},
		tar.Header{Name: "./bin/again", Linkname: "./bin/run", Typeflag: tar.TypeLink},
		tar.Header{Name: "./top", Linkname: "bin/../bin/run", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "./bin/up", Linkname: "../top", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "deep/er/file", Size: 3, Mode: 0o444},
	)
	dir := filepath.Join(t.TempDir(), "in")
	if err := File(t.Context(), archive, dir); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"bin/run": 0o755, "bin/again": 0o755, "bin/up": 0o755, "deep/er/file": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// Every form that GNU tar makes can be unpacked.
func TestUnpackForms(t *testing.T) {
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--create", "--gzip", "--xz", "--bzip2", "--zstd", "--format=v7", "--format=oldgnu", "--format=posix"} {
		archive := filepath.Join(t.TempDir(), "a.tar")
		args := []string{"--create", option, "--file", archive, "--directory", from, "."}
		if err := command.Run(t.Context(), command.Cmd{Name: "tar", Args: args}); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "in")
		if err := File(t.Context(), archive, dir); err != nil {
			t.Errorf("%s: %v", option, err)
		}
		if content, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(content) != "content" {
			t.Errorf("%s: %q, %v", option, content, err)
		}
	}
}

// An archive of nothing, well compressed, does not fill the disk.
func TestUnpackLimits(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for range 3 {
		f, err := w.Create("zeros")
		if err == nil {
			_, err = f.Write(make([]byte, 1<<20))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	archive, dir := keep(t, "a.zip", b.Bytes()), t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	u := &unpacker{ctx: t.Context(), root: root, left: 1<<20 - 1}
	var limit *LimitError
	if err := eachOfZip(archive, u.add); !errors.As(err, &limit) {
		t.Errorf("%v is not a LimitError", err)
	}
	// Archives lie about sizes.
	u = &unpacker{ctx: t.Context(), root: root, left: 1<<20 - 1}
	lies := func(m member) error {
		m.size, m.name = 0, "lie"
		return u.add(m)
	}
	if err := eachOfZip(archive, lies); !errors.As(err, &limit) {
		t.Errorf("%v is not a LimitError", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "lie")); err != nil || info.Size() > 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
	u = &unpacker{ctx: t.Context(), root: root, left: 1, members: maxMembers}
	if err := u.add(member{name: "x", mode: fs.ModeDir}); !errors.As(err, &limit) {
		t.Errorf("%v is not a LimitError", err)
	}
}

func TestNothingGetsOutOfAnArchive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "evil.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	if _, err := w.Create("../evil"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "in")
	if err := File(t.Context(), file, dir); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "..", "evil")); err == nil {
		t.Error("a file got out")
	}
}

// What is zeros takes no room, and every byte is where it was.
func TestUnpackSparse(t *testing.T) {
	for name, content := range map[string][]byte{
		"only zeros":  make([]byte, 40*hole+7),
		"a hole last": append(bytes.Repeat([]byte("x"), 100), make([]byte, 40*hole)...),
		"data last":   append(make([]byte, 40*hole+1), "end"...),
		"nothing":     nil,
		"small":       []byte("x\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			if err := w.WriteHeader(&tar.Header{Name: "f", Size: int64(len(content)), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content); err != nil || w.Close() != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := Tar(t.Context(), &b, dir); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "f")
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			var stat unix.Stat_t
			if err := unix.Stat(file, &stat); err != nil || stat.Blocks*512 > 4*hole {
				t.Errorf("it takes %d bytes, %v", stat.Blocks*512, err)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"a.tar", "a.zip"} {
		f.Add(name, []byte("PK\x03\x04"))
	}
	seed, err := os.ReadFile(tarball(f, tar.Header{Name: "d/", Typeflag: tar.TypeDir}, tar.Header{Name: "d/l", Linkname: "../d", Typeflag: tar.TypeSymlink}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a.tar", seed)
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		parent := t.TempDir()
		file := filepath.Join(parent, "a.tar")
		if strings.HasSuffix(name, "zip") {
			file = filepath.Join(parent, "a.zip")
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(parent, "in")
		_ = File(t.Context(), file, in)
		entries, err := os.ReadDir(parent)
		if err != nil || len(entries) > 2 {
			t.Fatalf("beside the directory: %v, %v", entries, err)
		}
		err = filepath.WalkDir(in, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !e.Type().IsRegular() && e.Type() != fs.ModeSymlink {
				t.Errorf("%s is %v", path, e.Type())
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
