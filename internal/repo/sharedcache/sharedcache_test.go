package sharedcache

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// told keeps what a person reads.
type told struct {
	mu     sync.Mutex
	events []event.Event
}

func (s *told) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// text returns the lines of a type.
func (s *told) text(kind event.Type) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, e := range s.events {
		if e.Type == kind {
			lines = append(lines, e.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// host is a host with an empty cache of its own.
type host struct {
	cache.Dir
	told   *told
	shared *Cache
}

func newHost(t testing.TB, location string) host {
	t.Helper()
	sink := new(told)
	shared := New(location, sink, map[string]string{"base": "base"})
	t.Cleanup(shared.Close)
	return host{Dir: cache.At(t.TempDir()).Sharing(shared), told: sink, shared: shared}
}

var key = cache.Key("an entry")

// disk is content with a hole in it.
var disk = append(append([]byte("disk"), make([]byte, 3<<20)...), "end"...)

// fill makes an entry with all that one may have.
func fill(dir string) error {
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "tree", "empty"), 0o755),
		os.WriteFile(filepath.Join(dir, "base.qcow2"), disk, 0o600),
		os.WriteFile(filepath.Join(dir, "tree", "run"), []byte("#!/bin/sh\n"), 0o755),
		os.WriteFile(filepath.Join(dir, "tree", "nothing"), nil, 0o644),
		os.Symlink("../base.qcow2", filepath.Join(dir, "tree", "link")),
	)
}

// makes gets the entry on a host that has to make it.
func (h host) makes(t *testing.T) (dir string) {
	t.Helper()
	dir, cached, err := h.Get(t.Context(), "base", key, fill)
	if err != nil || cached {
		t.Fatalf("cached %v, %v", cached, err)
	}
	return dir
}

// takes gets the entry on a host that must not make it.
func (h host) takes(t *testing.T) (dir string) {
	t.Helper()
	dir, cached, err := h.Get(t.Context(), "base", key, func(string) error { return errors.New("it is made again") })
	if err != nil || !cached {
		t.Fatalf("cached %v, %v\n%s", cached, err, h.told.text(event.Warning))
	}
	return dir
}

// content describes all that is in a directory.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case e.IsDir():
			all[name] = "directory"
		case e.Type() == fs.ModeSymlink:
			all[name], err = os.Readlink(path)
		default:
			text, failed := os.ReadFile(path)
			sum := sha256.Sum256(text)
			all[name], err = hex.EncodeToString(sum[:]), failed
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// secondHost: what one host has made, another takes.
func secondHost(t *testing.T, location string) {
	first, second := newHost(t, location), newHost(t, location)
	made, taken := first.makes(t), second.takes(t)
	if diff := cmp.Diff(content(t, made), content(t, taken)); diff != "" {
		t.Errorf("the second host has something else:\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(taken, "tree", "run")); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if text := first.told.text(event.Message); !strings.HasPrefix(text, "base: put into the shared cache, ") {
		t.Errorf("the first says %q", text)
	}
	if text := second.told.text(event.Message); !strings.HasPrefix(text, "base: taken from the shared cache, ") {
		t.Errorf("the second says %q", text)
	}
	if text := first.told.text(event.Warning) + second.told.text(event.Warning); text != "" {
		t.Errorf("warnings: %s", text)
	}
}

func directory(t testing.TB) (dir, location string) {
	t.Helper()
	dir = t.TempDir()
	return dir, "file://" + dir
}

func TestSecondHost(t *testing.T) {
	_, location := directory(t)
	secondHost(t, location)
}

// TestTheSameArchive: what is the same is there once, however old it is and
// whoever made it.
func TestTheSameArchive(t *testing.T) {
	var archives []record
	for range 2 {
		dir, file := t.TempDir(), filepath.Join(t.TempDir(), "archive")
		if err := fill(dir); err != nil {
			t.Fatal(err)
		}
		long := time.Unix(int64(len(archives)), 0)
		if err := os.Chtimes(filepath.Join(dir, "base.qcow2"), long, long); err != nil {
			t.Fatal(err)
		}
		made, err := pack(t.Context(), dir, file)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, made)
	}
	if archives[0] != archives[1] {
		t.Errorf("%+v", archives)
	}
}

func TestTwoWritersAtOnce(t *testing.T) {
	_, location := directory(t)
	twoWriters(t, location)
}

func twoWriters(t *testing.T, location string) {
	var group errgroup.Group
	var all sync.WaitGroup // no one is done before all have begun
	hosts := []host{newHost(t, location), newHost(t, location), newHost(t, location)}
	all.Add(len(hosts))
	for _, h := range hosts {
		group.Go(func() error {
			_, _, err := h.Get(t.Context(), "base", key, func(dir string) error {
				all.Done()
				all.Wait()
				return fill(dir)
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		if text := h.told.text(event.Warning); text != "" {
			t.Error(text)
		}
	}
	newHost(t, location).takes(t)
}

// stored returns the record of the entry in a directory, and its path and that of
// the archive.
func stored(t *testing.T, dir string) (r record, recordFile, archive string) {
	t.Helper()
	recordFile = filepath.Join(dir, "base", key+".json")
	text, err := os.ReadFile(recordFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r, recordFile, filepath.Join(dir, filepath.FromSlash(r.archive()))
}

func overwrite(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r record) with(change func(*record)) []byte {
	change(&r)
	text, _ := json.Marshal(r)
	return text
}

// TestDamage: of what is wrong in the store nothing comes into a cache. The host
// makes the entry, says why, and mends what is in the store.
func TestDamage(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		says   string
	}{
		"a byte of the archive is another": {func(t *testing.T, dir string) {
			_, _, archive := stored(t, dir)
			text, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			overwrite(t, archive, text)
		}, "its archive does not have the SHA-256"},
		"the archive is cut": {func(t *testing.T, dir string) {
			r, _, archive := stored(t, dir)
			if err := os.Truncate(archive, r.Size-10); err != nil {
				t.Fatal(err)
			}
		}, "its archive ends after"},
		"the archive is empty": {func(t *testing.T, dir string) {
			_, _, archive := stored(t, dir)
			overwrite(t, archive, nil)
		}, "its archive ends after 0 of"},
		"something follows the archive": {func(t *testing.T, dir string) {
			r, _, archive := stored(t, dir)
			text, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, archive, append(text, make([]byte, r.Size)...))
		}, "its archive has more than"},
		"the archive is gone": {func(t *testing.T, dir string) {
			_, _, archive := stored(t, dir)
			if err := os.Remove(archive); err != nil {
				t.Fatal(err)
			}
		}, "no such file"},
		"the record is no JSON": {func(t *testing.T, dir string) {
			_, file, _ := stored(t, dir)
			overwrite(t, file, []byte("{"))
		}, "its record cannot be read"},
		"the record is another entry's": {func(t *testing.T, dir string) {
			r, file, _ := stored(t, dir)
			overwrite(t, file, r.with(func(r *record) { r.Entry = "base/" + cache.Key("other") }))
		}, "its record is that of another entry"},
		"the record leads out of the store": {func(t *testing.T, dir string) {
			r, file, _ := stored(t, dir)
			overwrite(t, file, r.with(func(r *record) { r.SHA256 = "../../etc/passwd" }))
		}, "its record has no SHA-256"},
		"the record has another size": {func(t *testing.T, dir string) {
			r, file, _ := stored(t, dir)
			overwrite(t, file, r.with(func(r *record) { r.Size-- }))
		}, "its archive has more than"},
		"the record has no size": {func(t *testing.T, dir string) {
			r, file, _ := stored(t, dir)
			overwrite(t, file, r.with(func(r *record) { r.Size = 1 << 60 }))
		}, "its record has a size of"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, location := directory(t)
			newHost(t, location).makes(t)
			test.damage(t, dir)
			h := newHost(t, location)
			made := h.makes(t)
			if text := h.told.text(event.Warning); !strings.HasPrefix(text, "base: not taken from the shared cache: ") || !strings.Contains(text, test.says) {
				t.Errorf("it says %q", text)
			}
			if diff := cmp.Diff(content(t, made), content(t, newHost(t, location).takes(t))); diff != "" {
				t.Errorf("what is mended is something else:\n%s", diff)
			}
		})
	}
}

// TestNewerRecord: what a newer program has made stays.
func TestNewerRecord(t *testing.T) {
	dir, location := directory(t)
	newHost(t, location).makes(t)
	r, file, _ := stored(t, dir)
	newer := r.with(func(r *record) { r.Version++ })
	overwrite(t, file, newer)
	h := newHost(t, location)
	h.makes(t)
	if text := h.told.text(event.Warning); !strings.Contains(text, "for a newer version") {
		t.Errorf("it says %q", text)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, newer) {
		t.Errorf("the record is now %s, %v", now, err)
	}
}

// TestHostileArchives: an archive may have the digest that its record says, and
// still be one that nobody's program has made.
func TestHostileArchives(t *testing.T) {
	link := func(name, target string) tar.Header {
		return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink, Mode: 0o777}
	}
	file := tar.Header{Name: "l/evil", Size: 1, Mode: 0o644}
	for name, headers := range map[string][]tar.Header{
		"a name that climbs":      {{Name: "../evil", Size: 1, Mode: 0o644}},
		"an absolute name":        {{Name: "/tmp/evil", Size: 1, Mode: 0o644}},
		"an absolute link":        {link("l", "/tmp"), file},
		"a link out":              {link("l", ".."), file},
		"a file through a link":   {link("l", "."), file},
		"a device":                {{Name: "d", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		"a pipe":                  {{Name: "f", Typeflag: tar.TypeFifo}},
		"a hard link out":         {{Name: "h", Linkname: "../../etc/passwd", Typeflag: tar.TypeLink}},
		"a name that comes twice": {{Name: "x", Size: 1, Mode: 0o644}, {Name: "x", Size: 1, Mode: 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, location := directory(t)
			plant(t, dir, headers)
			h := newHost(t, location)
			made := h.makes(t)
			if text := h.told.text(event.Warning); !strings.Contains(text, "in the archive ") {
				t.Errorf("it says %q", text)
			}
			around, err := os.ReadDir(filepath.Dir(made))
			if err != nil || len(around) != 1 {
				t.Errorf("beside the entry: %v, %v", around, err)
			}
			want := t.TempDir()
			if err := fill(want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content(t, want), content(t, made)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// plant puts an archive into a store by hand.
func plant(t *testing.T, dir string, headers []tar.Header) {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
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
	sum := sha256.Sum256(b.Bytes())
	r := record{Version: format, Entry: "base/" + key, SHA256: hex.EncodeToString(sum[:]), Size: int64(b.Len())}
	for name, text := range map[string][]byte{r.archive(): b.Bytes(), "base/" + key + ".json": r.with(func(*record) {})} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		overwrite(t, path, text)
	}
}

// TestWhatIsNotPacked: an entry that nobody would take is not offered.
func TestWhatIsNotPacked(t *testing.T) {
	for name, make := range map[string]func(dir string) error{
		"out of the entry":  func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "link")) },
		"neither a file":    func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644) },
		"control character": func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\nb"), nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, location := directory(t)
			h := newHost(t, location)
			if _, cached, err := h.Get(t.Context(), "base", key, make); err != nil || cached {
				t.Fatalf("cached %v, %v", cached, err)
			}
			if text := h.told.text(event.Warning); !strings.HasPrefix(text, "base: not put into the shared cache: ") || !strings.Contains(text, name) {
				t.Errorf("it says %q", text)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("in the store: %v, %v", left, err)
			}
		})
	}
}

// s3 returns the address of a bucket on a server.
func s3(t *testing.T, server string) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return "s3://bucket/builds?region=us-east-1&use_path_style=true&endpoint=" + server
}

// TestNoStore: a store that cannot be used is said once, and ends no build.
func TestNoStore(t *testing.T) {
	for name, test := range map[string]struct {
		location func(t *testing.T) string
		says     string
	}{
		"no directory": {func(t *testing.T) string { return "file://" + filepath.Join(t.TempDir(), "missing") }, "no such file"},
		"no store":     {func(*testing.T) string { return "ftp://example.org/cache" }, "ftp:// is not the address of a store"},
		"no address":   {func(*testing.T) string { return "s3://%zz" }, "is not used"},
		"no region":    {func(t *testing.T) string { t.Setenv("AWS_REGION", ""); return "s3://bucket" }, "lacks its region"},
		"nobody there": {func(t *testing.T) string { return s3(t, "http://127.0.0.1:1") }, "cannot be reached"},
		"no permission": {func(t *testing.T) string {
			return s3(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		}, "the credentials do not open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", "/dev/null")
			h := newHost(t, test.location(t))
			h.makes(t)
			if _, _, err := h.Get(t.Context(), "rootfs", key, fill); err != nil {
				t.Fatal(err)
			}
			text := h.told.text(event.Warning)
			if !strings.HasPrefix(text, "the shared cache ") || !strings.Contains(text, test.says) || strings.Contains(text, "\n") {
				t.Errorf("it says %q", text)
			}
		})
	}
}

func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// hanging is a server that answers nothing, or, once asked for an archive, only
// its beginning.
func hanging(t *testing.T, answer http.HandlerFunc) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, r)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		<-r.Context().Done()
	})
}

// TestServerHangs: a server that takes the connection and says nothing is given
// up, and not asked again.
func TestServerHangs(t *testing.T) {
	h := newHost(t, s3(t, hanging(t, func(http.ResponseWriter, *http.Request) {})))
	h.shared.patience = 50 * time.Millisecond
	h.makes(t)
	if text := h.told.text(event.Warning); !strings.Contains(text, errSlow.Error()) {
		t.Errorf("it says %q", text)
	}
}

// TestDownloadHangs: neither is one that stops in the middle of an archive.
func TestDownloadHangs(t *testing.T) {
	r := record{Version: format, Entry: "base/" + key, SHA256: strings.Repeat("a", 64), Size: 1 << 30}
	stalls := hanging(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1073741824")
		_, _ = w.Write([]byte{0x28, 0xb5, 0x2f, 0xfd})
	})
	server := serve(t, func(w http.ResponseWriter, request *http.Request) {
		switch {
		case strings.HasSuffix(request.URL.Path, ".json"):
			_, _ = w.Write(r.with(func(*record) {}))
		case strings.HasSuffix(request.URL.Path, ".zst"):
			http.Redirect(w, request, stalls, http.StatusTemporaryRedirect)
		default:
			w.Header().Set("Content-Type", "application/xml")
			_, _ = w.Write([]byte(`<?xml version="1.0"?><ListBucketResult><Name>bucket</Name></ListBucketResult>`))
		}
	})
	h := newHost(t, s3(t, server))
	h.shared.patience = 300 * time.Millisecond
	h.makes(t)
	if text := h.told.text(event.Warning); text != "base: not taken from the shared cache: "+errSlow.Error() {
		t.Errorf("it says %q", text)
	}
}

// TestStopped: Ctrl-C ends a download at once; nothing is made, said or left.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := newHost(t, s3(t, hanging(t, func(http.ResponseWriter, *http.Request) { cancel() })))
	_, _, err := h.Get(ctx, "base", key, func(string) error { return errors.New("it is made") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(h.Path(), "base")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if text := h.told.text(event.Warning); text != "" {
		t.Errorf("it says %q", text)
	}
}

// TestStoppedUpload: Ctrl-C while an entry is given away leaves the entry here, and
// nothing there.
func TestStoppedUpload(t *testing.T) {
	dir, location := directory(t)
	h := newHost(t, location)
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := h.Get(ctx, "base", key, func(dir string) error {
		cancel()
		return fill(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("in the store: %v, %v", left, err)
	}
	if text := h.told.text(event.Warning); text != "" {
		t.Errorf("it says %q", text)
	}
	if _, cached, err := h.Get(t.Context(), "base", key, fill); err != nil || !cached {
		t.Errorf("cached %v, %v", cached, err)
	}
}

func FuzzParse(f *testing.F) {
	e := entry{kind: "base", key: key}
	f.Add(record{Version: format, Entry: "base/" + key, SHA256: strings.Repeat("a", 64), Size: 1}.with(func(*record) {}))
	f.Add([]byte(`{"version":1,"sha256":"..","size":-1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := parse(content, e)
		if err != nil {
			return
		}
		if !fs.ValidPath(r.archive()) || filepath.Dir(r.archive()) != "archives" || r.Size < 1 || r.Size > maxArchive {
			t.Errorf("%+v", r)
		}
	})
}

// BenchmarkTake takes 256 MiB, of which a half is zeros.
func BenchmarkTake(b *testing.B) {
	const half = 128 << 20
	_, location := directory(b)
	content := make([]byte, 2*half)
	_, _ = rand.Read(content[:half])
	first := newHost(b, location)
	_, _, err := first.Get(b.Context(), "base", key, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "base.qcow2"), content, 0o644)
	})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * half)
	for b.Loop() {
		if !newHost(b, location).shared.Take(b.Context(), "base", key, b.TempDir()) {
			b.Fatal("it is not there")
		}
	}
}
