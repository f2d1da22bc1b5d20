package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

func hasty() Patience {
	return Patience{Idle: 200 * time.Millisecond, First: time.Millisecond, Longest: 5 * time.Millisecond, Total: time.Second, Unmet: 100 * time.Millisecond}
}

func serve(t *testing.T, h http.HandlerFunc) Origin {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o, err := OpenWith(s.URL+"/images/", hasty())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLocations(t *testing.T) {
	for location, want := range map[string]string{
		"https://images.example.org":          "https://images.example.org/a/b%2Bc",
		"https://images.example.org/go/vm/":   "https://images.example.org/go/vm/a/b%2Bc",
		"http://me:secret@images.example.org": "http://images.example.org/a/b%2Bc",
		"http://images.example.org/?sig=abc":  "http://images.example.org/a/b%2Bc?sig=…",
		"file:///srv/www":                     "/srv/www/a/b+c",
		"file://localhost/srv/www":            "/srv/www/a/b+c",
		"/srv/www/":                           "/srv/www/a/b+c",
		"www":                                 "www/a/b+c",
		"file://srv/www":                      "",
		"ftp://images.example.org":            "",
		"https://":                            "",
	} {
		o, err := Open(location)
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", location, err)
		} else if err == nil && o.URL("a/b+c") != want {
			t.Errorf("%s: got %s", location, o.URL("a/b+c"))
		}
	}
}

func TestPathsStayInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := Open(filepath.Join(filepath.Dir(outside), "sub"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../secret", outside, "", ".", "a//b", `..\secret`} {
		if _, err := o.Fetch(t.Context(), path, 10); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

func TestFetch(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	local, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	remote := serve(t, http.StripPrefix("/images/", http.FileServer(http.Dir(root))).ServeHTTP)
	for name, o := range map[string]Origin{"directory": local, "web": remote} {
		t.Run(name, func(t *testing.T) {
			if got, err := o.Fetch(t.Context(), "file", 7); err != nil || string(got) != "content" {
				t.Errorf("got %q, %v", got, err)
			}
			var size *SizeError
			if _, err := o.Fetch(t.Context(), "file", 6); !errors.As(err, &size) {
				t.Errorf("got %v", err)
			}
			if _, err := o.Fetch(t.Context(), "none", 6); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v", err)
			}
			if _, err := o.Open(t.Context(), "file", 6); !errors.As(err, &size) {
				t.Errorf("got %v", err)
			}
			readPart(t, o)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := o.Fetch(ctx, "file", 7); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func readPart(t *testing.T, o Origin) {
	t.Helper()
	r, err := o.Range(t.Context(), "file", 3, 3, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got, err := io.ReadAll(r); err != nil || string(got) != "ten" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFetchIsPatient(t *testing.T) {
	for name, c := range map[string]struct {
		h     func(w http.ResponseWriter, n int)
		times int // that it asks
		good  bool
	}{
		"503, twice": {func(w http.ResponseWriter, n int) {
			if n < 3 {
				w.Header().Set("Retry-After", "7200")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, 3, true},
		"cut, twice": {func(w http.ResponseWriter, n int) {
			if n < 3 {
				w.Header().Set("Content-Length", "100")
			}
		}, 3, true},
		"400":     {func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusBadRequest) }, 1, false},
		"encoded": {func(w http.ResponseWriter, _ int) { w.Header().Set("Content-Encoding", "gzip") }, 1, false},
		"a part":  {func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusPartialContent) }, 1, false},
		"endless": {func(w http.ResponseWriter, _ int) {
			for range 100 {
				_, _ = w.Write(make([]byte, 1<<10))
			}
		}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			o := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				if r.Header.Get("Accept-Encoding") != "identity" {
					t.Error("it lets the server compress")
				}
				c.h(w, n)
				_, _ = io.WriteString(w, "content")
			})
			got, err := o.Fetch(t.Context(), "file", 1000)
			if (err == nil) != c.good || n != c.times || c.good && string(got) != "content" {
				t.Errorf("after %d requests: %q, %v", n, got, err)
			}
		})
	}
}

// TestErrorsSayWhere looks at what people read.
func TestErrorsSayWhere(t *testing.T) {
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := silent.Fetch(t.Context(), "file", 10)
	var transport *TransportError
	if !errors.As(err, &transport) || !strings.Contains(err.Error(), "silent") || transport.Host == "" || transport.After < hasty().Idle {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("a silent server is taken for a person's wish")
	}
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) })
	if _, err = loop.Fetch(t.Context(), "file", 10); !errors.Is(err, address.ErrLoop) {
		t.Errorf("got %v", err)
	}
	refused := httptest.NewServer(nil)
	refused.Close()
	o, err := OpenWith(refused.URL, hasty())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = o.Fetch(t.Context(), "file", 10); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
	for want, e := range map[string]*TransportError{
		"h: failed: the server is silent":               {Host: "h", Err: errSilent},
		"h: failed after 2s: the server is silent":      {Host: "h", After: 2 * time.Second, Err: errSilent},
		"h: failed after 5 bytes: the server is silent": {Host: "h", Bytes: 5, Err: errSilent},
	} {
		if e.Error() != want {
			t.Errorf("got %s, want %s", e, want)
		}
	}
	if got := (&TransportError{Host: "images.example.org", After: 31 * time.Second, Bytes: 9, Proxy: "http://proxy.example.org:3128 (from HTTPS_PROXY)", Err: errSilent}).Error(); got !=
		"images.example.org: failed after 31s and 9 bytes through proxy http://proxy.example.org:3128 (from HTTPS_PROXY): the server is silent" {
		t.Errorf("got %s", got)
	}
}

func TestProxy(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	o, err := OpenWith("http://images.example.org/vm", hasty())
	if err != nil {
		t.Fatal(err)
	}
	o.(*web).proxy = func(*http.Request) (*url.URL, error) {
		address.User = url.UserPassword("me", "secret")
		return address, nil
	}
	_, err = o.Fetch(t.Context(), "file", 10)
	want := fmt.Sprintf("through proxy http://%s (from HTTP_PROXY)", address.Host)
	if asked != "http://images.example.org/vm/file" || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("asked for %q, got %v", asked, err)
	}
}

// TestErrorsTellAllAttempts looks at how much came of a file that each time ends too
// early.
func TestErrorsTellAllAttempts(t *testing.T) {
	const fetched, streamed = 2, 5 // attempts that give something
	n := 0
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		if n++; n <= fetched {
			_, _ = io.WriteString(w, "some")
		}
	})
	_, err := o.Fetch(t.Context(), "file", 1000)
	var transport *TransportError
	if !errors.As(err, &transport) || transport.Bytes != fetched*int64(len("some")) {
		t.Errorf("got %v, %+v", err, transport)
	}
	n = 0
	part := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n > streamed {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-99/100", n-1))
		w.Header().Set("Content-Length", strconv.Itoa(101-n))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "x")
	})
	r, err := part.Range(t.Context(), "file", 0, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err = io.ReadAll(r); !errors.As(err, &transport) || transport.Bytes != streamed {
		t.Errorf("got %v", err)
	}
}

// TestDrip reads from a server that never is silent and never ends.
func TestDrip(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	defer server.Close()
	patience, told := hasty(), make(chan string, 1)
	patience.Notice, patience.Waiting = time.Millisecond, func(url string) { told <- url }
	o, err := OpenWith(server.URL, patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Fetch(t.Context(), "file", 1<<20); !errors.Is(err, errSlow) {
		t.Errorf("got %v", err)
	}
	if got := <-told; got != server.URL+"/file" {
		t.Errorf("waits for %q", got)
	}
}

// TestDripOfDisk reads a large file from a server that never is silent and that
// would take years.
func TestDripOfDisk(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
		_, _ = w.Write(make([]byte, 2*step))
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	defer server.Close()
	patience := hasty()
	patience.Idle = time.Minute // a busy host is not a silent server
	o, err := OpenWith(server.URL, patience)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Open(t.Context(), "disk", 1000000000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, errSlow) || n < 2*step {
		t.Errorf("%d bytes, then %v", n, err)
	}
}

func TestPatienceGrowsWithWhatComes(t *testing.T) {
	for _, c := range []struct {
		taken time.Duration
		bytes int64
		want  bool
	}{{time.Second, 0, true}, {2 * time.Second, slowest / 2, false}, {2 * time.Second, slowest, true}, {time.Minute, 1 << 20, true}} {
		if got := hasty().allows(c.taken, c.bytes); got != c.want {
			t.Errorf("%d bytes in %s: %v", c.bytes, c.taken, got)
		}
	}
}
