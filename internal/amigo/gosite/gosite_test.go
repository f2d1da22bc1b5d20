package gosite

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

const loaded = "ontology\tx\t2026-10-09 (01:02)\tgo.owl\ngaf\tx\t2026-10-10 (03:04)\tmgi.gaf\n"

// site makes a directory that is laid out like a release of 2026-10-07.
func site(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	place(t, dir, logPath, loaded)
	place(t, dir, recordPath, `{"doi": "10.5281/zenodo.12"}`)
	place(t, dir, datePath, `{"date": "2026-10-07"}`)
	place(t, dir, indexPath, string(archive(t, map[string]string{"./segments_1": "one", "./_0.fdt": strings.Repeat("documents ", 100_000)})))
	return dir
}

func place(t *testing.T, dir, path, text string) {
	t.Helper()
	path = filepath.Join(dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// archive makes one without compression, so that there is something to break.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestValidate(t *testing.T) {
	for name, want := range map[string]string{
		"current": "", "2026-10-07": "", "https://example.org/go": "", "http://127.0.0.1:80/go": "", "http://localhost/": "",
		"http://example.org/go": "GOlr.Release: http://example.org/go is not encrypted, and a release has no checksums (try: https)", "./release": "", "/srv/release": "",
		"2026-13-01": `GOlr.Release: "2026-13-01" is no day of the calendar`,
		"newest":     `GOlr.Release: "newest" is neither "current", nor a date like "2026-10-07", nor an address or a directory`,
		"ftp://go/":  "GOlr.Release: ",
	} {
		err := Validate(name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{"current": "https://current.geneontology.org", "2026-10-07": "https://release.geneontology.org/2026-10-07"} {
		if at, err := locate(name); err != nil || at != want {
			t.Errorf("%s is at %s, %v", name, at, err)
		}
	}
}

// TestRelease finds a release and brings its index, from a directory and from a server
// that breaks off.
func TestRelease(t *testing.T) {
	dir := site(t)
	var asked, broken atomic.Int32
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasSuffix(r.URL.Path, indexPath) && r.Method == http.MethodGet && r.Header.Get("Range") == "" {
			broken.Add(1)
			w = &breaking{ResponseWriter: w, left: 300_000}
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for _, name := range []string{dir, server.URL} {
		r, err := Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if r.Date != "2026-10-07" || r.Log != loaded || !strings.Contains(r.Record, "zenodo.12") || r.Size < 1_000_000 {
			t.Errorf("%+v", r)
		}
		store, last := cache.At(t.TempDir()), int64(0)
		for range 2 {
			before := asked.Load()
			index, err := Index(t.Context(), store, r, func(done, _ int64) { last = done })
			if err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(filepath.Join(index, "segments_1")); err != nil || string(text) != "one" {
				t.Errorf("%q, %v", text, err)
			}
			if last != r.Size {
				t.Errorf("%d of %d bytes came", last, r.Size)
			}
			last = r.Size
			if before > 4+1 && asked.Load() != before {
				t.Error("it was loaded again")
			}
		}
	}
	if broken.Load() != 1 {
		t.Errorf("the server broke off %d times", broken.Load())
	}
}

// breaking ends a connection after some bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) > b.left {
		_, _ = b.ResponseWriter.Write(p[:b.left])
		panic(http.ErrAbortHandler)
	}
	b.left -= len(p)
	return b.ResponseWriter.Write(p)
}

// TestFindFails: releases that are not there, half there, or put together from others.
func TestFindFails(t *testing.T) {
	for name, c := range map[string]struct {
		path, text string // "" removes it
		want       string
	}{
		"no index":        {indexPath, "", indexPath + " is missing"},
		"no log":          {logPath, "", logPath + " is missing"},
		"no DOI":          {recordPath, "", recordPath + " is missing"},
		"another log":     {logPath, "gaf\tx\t2026-03-10 (03:04)\tmgi.gaf\n", "it is of 2026-10-07, and its index was loaded on 2026-03-10"},
		"a log of no use": {logPath, "nothing", "its loader's log has no dates"},
		"no date":         {datePath, `{"date": "soon"}`, `"soon" is not a date`},
		"a page":          {datePath, "<html>", "reading " + datePath},
	} {
		dir := site(t)
		if c.text == "" {
			if err := os.Remove(filepath.Join(dir, c.path)); err != nil {
				t.Fatal(err)
			}
		} else {
			place(t, dir, c.path, c.text)
		}
		if _, err := Find(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	of := Release{Date: "2026-10-07", Log: loaded}
	if err := of.check("2026-09-01"); err == nil || fault.Of(err).Code != fault.Verify {
		t.Error(err)
	}
	missing := (*MissingError)(nil)
	if _, err := Find(t.Context(), t.TempDir()); !errors.As(err, &missing) || fault.Of(err).Code != fault.NotFound {
		t.Error(err)
	}
}

// TestIndexFails: an archive that is damaged, cut, of something else, or too large.
func TestIndexFails(t *testing.T) {
	whole := archive(t, map[string]string{"./segments_1": strings.Repeat("a", 100_000)})
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"damaged":     {damaged, "is damaged"},
		"cut":         {whole[:len(whole)/2], "is damaged"},
		"no archive":  {[]byte("<html>"), "is damaged"},
		"hostile":     {archive(t, map[string]string{"../../etc/passwd": "x"}), "in the archive"},
		"cut at last": {whole[:len(whole)-4], "is damaged"},
	} {
		dir, store := site(t), cache.At(t.TempDir())
		place(t, dir, indexPath, string(c.content))
		r, err := Find(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Index(t.Context(), store, r, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		left, _ := filepath.Glob(filepath.Join(store.Path(), "release", "*", "*"))
		if len(left) > 0 {
			t.Errorf("%s: %q are left", name, left)
		}
		r.Size = 1 << 60
		space := (*SpaceError)(nil)
		if _, err := Index(t.Context(), store, r, nil); !errors.As(err, &space) || fault.Of(err).Code != fault.Host {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDigest: another log, record, date, size or archive is another release.
func TestDigest(t *testing.T) {
	dir := site(t)
	first, err := Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, change := range []func(*Release){
		func(*Release) {}, func(r *Release) { r.Date += "x" }, func(r *Release) { r.Log += "x" }, func(r *Release) { r.Record += "x" },
		func(r *Release) { r.Size++ }, func(r *Release) { r.version += "x" },
	} {
		r := first
		change(&r)
		seen[r.Digest()] = true
	}
	if again, err := Find(t.Context(), dir); err != nil || !seen[again.Digest()] || len(seen) != 6 {
		t.Error(len(seen), err)
	}
}

func FuzzReleased(f *testing.F) {
	f.Add(`{"date": "2026-10-07"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := released(text); err == nil && !date.MatchString(got) {
			t.Errorf("%q gave %q", text, got)
		}
	})
}
