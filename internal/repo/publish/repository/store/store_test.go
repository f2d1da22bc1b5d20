package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// stores are a directory and an object store in memory.
func stores(t *testing.T) map[string]*Store {
	t.Helper()
	all := map[string]*Store{}
	for name, location := range map[string]string{"path": t.TempDir(), "url": "file://" + t.TempDir(), "objects": "mem://"} {
		s, err := Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		all[name] = s
	}
	return all
}

func content(t *testing.T, s *Store, path string) string {
	t.Helper()
	got, err := s.Read(t.Context(), path)
	if err != nil {
		t.Error(err)
	}
	return string(got)
}

func TestWritesAreConditional(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) { writesAreConditional(t, s) })
	}
}

func writesAreConditional(t *testing.T, s *Store) {
	const path = "a/b+c/d_1.json"
	if _, err := s.Read(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading nothing: %v", err)
	}
	if err := s.Create(t.Context(), path, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), path, strings.NewReader("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	if err := s.Place(t.Context(), path, []byte("one")); err != nil {
		t.Errorf("placed as it is: %v", err)
	}
	_, old, err := s.ReadTagged(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(t.Context(), path, old, []byte("three")); err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(t.Context(), path, old, []byte("four")); !errors.Is(err, ErrChanged) || content(t, s, path) != "three" {
		t.Errorf("swapped what had changed: %v", err)
	}
	if err := s.Swap(t.Context(), path, old, []byte("three")); err != nil {
		t.Errorf("swapped for what is there: %v", err)
	}
	if err := s.Swap(t.Context(), path, Tag{}, []byte("five")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("swapped for nothing: %v", err)
	}
	if err := s.Put(t.Context(), path, []byte("six")); err != nil || content(t, s, path) != "six" {
		t.Errorf("put: %v", err)
	}
	entries, err := s.List(t.Context(), "a/")
	if err != nil || len(entries) != 1 || entries[0].Path != path || entries[0].Size != 3 {
		t.Errorf("%+v, %v", entries, err)
	}
	if err := errors.Join(s.Remove(t.Context(), path), s.Remove(t.Context(), path)); err != nil {
		t.Error(err)
	}
}

func TestOneWinner(t *testing.T) {
	dir := t.TempDir()
	oneWinner(t, func() (*Store, error) { return Open(t.Context(), dir) })
}

// oneWinner: of many who make or swap one file, one succeeds.
func oneWinner(t *testing.T, open func() (*Store, error)) {
	winners := func(do func(s *Store, i int) error) (n int) {
		results := make(chan error, 16)
		var group errgroup.Group
		for i := range cap(results) {
			group.Go(func() error {
				s, err := open()
				if err == nil {
					results <- do(s, i)
					err = s.Close()
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		for range cap(results) {
			switch err := <-results; {
			case err == nil:
				n++
			case !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrChanged):
				t.Error(err)
			}
		}
		return n
	}
	if n := winners(func(s *Store, i int) error {
		return s.Create(t.Context(), "x", strings.NewReader(fmt.Sprint(i)))
	}); n != 1 {
		t.Errorf("%d made it", n)
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	_, old, err := s.ReadTagged(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if n := winners(func(s *Store, i int) error {
		return s.Swap(t.Context(), "x", old, []byte(fmt.Sprint("swap ", i)))
	}); n != 1 {
		t.Errorf("%d swapped it", n)
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
}

// faulty is a backend whose answers go wrong, though it did what it was told.
type faulty struct {
	backend
	answer func(path string) error
}

func (f *faulty) write(ctx context.Context, path string, body io.Reader, cond condition) error {
	err := f.backend.write(ctx, path, body, cond)
	if wrong := f.answer(path); err == nil && wrong != nil {
		return wrong
	}
	return err
}

func TestLostAnswers(t *testing.T) {
	for name, wrong := range map[string]error{
		"refused by itself": fmt.Errorf("%w: 412", ErrChanged),
		"conflict":          fmt.Errorf("%w: 409", fs.ErrExist),
		"no answer":         context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			good, err := Open(t.Context(), "mem://")
			if err != nil {
				t.Fatal(err)
			}
			s := &Store{backend: &faulty{good.backend, func(string) error { return wrong }}}
			if err := s.Place(t.Context(), "a", []byte("1")); err != nil {
				t.Errorf("placing: %v", err)
			}
			_, tag, err := s.ReadTagged(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Swap(t.Context(), "a", tag, []byte("2")); err != nil || content(t, s, "a") != "2" {
				t.Errorf("swapping: %v", err)
			}
			if err := s.Swap(t.Context(), "a", tag, []byte("3")); err == nil {
				t.Error("swapped what had changed")
			}
		})
	}
}

// careless is a backend that ignores conditions.
type careless struct{ backend }

func (c *careless) write(ctx context.Context, path string, body io.Reader, _ condition) error {
	return c.backend.write(ctx, path, body, condition{always: true})
}

func TestProbeFindsCarelessStores(t *testing.T) {
	good, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var unsafe *UnsafeError
	if err := (&Store{backend: &careless{good.backend}}).Probe(t.Context()); !errors.As(err, &unsafe) {
		t.Errorf("no conditions at all: %v", err)
	}
	mem, err := Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	if err := mem.Probe(t.Context()); !errors.As(err, &unsafe) || !strings.Contains(unsafe.Found, "overwritten") {
		t.Errorf("no comparison: %v", err)
	}
	if left, err := mem.List(t.Context(), ""); err != nil || len(left) > 0 {
		t.Errorf("the probe leaves %v, %v", left, err)
	}
}

func TestLock(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) { lock(t, s) })
	}
}

func lock(t *testing.T, s *Store) {
	_, unlock, err := s.Lock(t.Context(), "me@example.org, publish", 0)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, _, err := s.Lock(t.Context(), "you", 0); !errors.As(err, &locked) || locked.Owner.By != "me@example.org, publish" {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	_, unlock, err = s.Lock(t.Context(), "you", 0)
	if err != nil {
		t.Fatalf("after it was freed: %v", err)
	}
	unlock()
}

func TestLockOfTheDead(t *testing.T) {
	s, err := Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	lockOfTheDead(t, s)
}

// lockOfTheDead: an object of a dead publisher is taken over when it has
// expired, and its owner does not free the new one's.
func lockOfTheDead(t *testing.T, s *Store) {
	dead, err := json.Marshal(Owner{By: "dead", Nonce: "n", Expires: time.Now().Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), lockPath, dead); err != nil {
		t.Fatal(err)
	}
	_, unlock, err := s.Lock(t.Context(), "me", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	s.unlock(t.Context(), Owner{Nonce: "n"})
	if !strings.Contains(content(t, s, lockPath), `"me"`) {
		t.Error("the dead one freed my lock")
	}
}

// TestLockIsRenewed as long as its holder lives, and lost when somebody else
// has it.
func TestLockIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "mem://")
		if err != nil {
			t.Fatal(err)
		}
		held, unlock, err := s.Lock(t.Context(), "me", 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		time.Sleep(5 * lockLife)
		var locked *LockedError
		if _, _, err := s.Lock(t.Context(), "you", lockLife); !errors.As(err, &locked) || held.Err() != nil {
			t.Errorf("after a long time: %v, %v", err, context.Cause(held))
		}
		time.Sleep(lockRenew / 2) // not while the holder writes: a store in memory has no swaps
		if err := s.Put(t.Context(), lockPath, Owner{By: "you", Nonce: "other"}.renewed()); err != nil {
			t.Fatal(err)
		}
		<-held.Done()
		if !errors.Is(context.Cause(held), ErrLockLost) {
			t.Errorf("it ends because of %v", context.Cause(held))
		}
	})
}

// TestDirectory: a body that fails leaves nothing, neither does a dead writer,
// and files are for a web server to read.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	broken := io.MultiReader(strings.NewReader("half"), &failing{})
	if err := s.Create(t.Context(), "versions/1/a", broken); err == nil {
		t.Error("half a file was written")
	}
	if err := s.Create(t.Context(), "versions/1/b", strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, partialDir, "a.DEAD"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, unlock, err := s.Lock(t.Context(), "me", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	left, err := s.List(t.Context(), "")
	if err != nil || len(left) != 2 || left[0].Path != lockPath || left[1].Path != "versions/1/b" {
		t.Errorf("there are %v, %v", left, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "versions/1/b")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHeaders(t *testing.T) {
	for path, want := range map[string][2]string{
		"metadata/timestamp.json":               {never, "application/json"},
		"metadata/12.snapshot.json":             {forever, "application/json"},
		"versions/1/amigo-1-production.qcow2":   {forever, "application/octet-stream"},
		"versions/1/amigo-1-production.raw.zst": {forever, "application/octet-stream"},
		"versions/1/SHA256SUMS":                 {forever, "text/plain; charset=utf-8"},
		"versions/1/amigo-1.screen.png":         {forever, "image/png"},
		"index.html":                            {never, "text/html; charset=utf-8"},
		"stable/feed.atom":                      {never, "application/atom+xml"},
		"state/lock":                            {never, "application/octet-stream"},
	} {
		if got := [2]string{cacheControl(path), contentType(path)}; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	var scheme *SchemeError
	if _, err := Open(t.Context(), "https://images.example.org"); !errors.As(err, &scheme) {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{"", "file://", "s3://", "/nonexistent/images"} {
		if _, err := Open(t.Context(), bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}

// TestGoogleRefuses: the server of the tests lets everybody in; this is what
// Google's own answers to somebody without permission.
func TestGoogleRefuses(t *testing.T) {
	const answer = `{"error": {"code": 403, "message": "me@example.org does not have storage.objects.list access to the bucket.",
		"errors": [{"message": "no access", "domain": "global", "reason": "forbidden"}]}}`
	open := false // to lists
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if open && r.URL.Query().Has("maxResults") {
			_, _ = io.WriteString(w, `{"kind": "storage#objects"}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	var access *AccessError
	if _, err := Open(t.Context(), "gs://images"); !errors.As(err, &access) || access.Obstacle != Denied {
		t.Errorf("a bucket that is not ours: %v", err)
	}
	open = true
	s, err := Open(t.Context(), "gs://images")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), "a"); !errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not ours to read: %v", err)
	}
	if err := s.Create(t.Context(), "a", strings.NewReader("")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that is not ours to write: %v", err)
	}
}

// TestBothSidesReadOneAddress holds that what is published to a file URL is where
// its readers look.
func TestBothSidesReadOneAddress(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t q#ä%")
	encoded := (&url.URL{Path: dir}).EscapedPath()
	for _, location := range []string{dir, "file://" + encoded, "file://localhost" + encoded, "file:" + encoded} {
		s, err := OpenNew(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Put(t.Context(), "file", []byte(location)), s.Close()); err != nil {
			t.Fatal(err)
		}
		from, err := origin.Open(location)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := from.Fetch(t.Context(), "file", 1000); err != nil || string(got) != location || from.URL("file") != filepath.Join(dir, "file") {
			t.Errorf("%s: %q, %v", location, got, err)
		}
	}
	t.Chdir(t.TempDir())
	for _, location := range []string{"s3:bucket", "s3:/bucket", "gs:bucket", "file://srv/www", "file:www", `C:\images`, "me@host:/srv", "https:host"} {
		_, opened := Open(t.Context(), location)
		_, made := OpenNew(t.Context(), location)
		_, read := origin.Open(location)
		for _, err := range []error{made, opened, read} {
			if !errors.As(err, new(*address.InvalidError)) {
				t.Errorf("%s: %v", location, err)
			}
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("made: %v, %v", left, err)
	}
}
