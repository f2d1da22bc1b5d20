package http

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// serve starts a server whose answers show what it was asked.
func serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Add("X-Twice", "a")
		w.Header().Add("X-Twice", "b")
		switch r.URL.Path {
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/large":
			chunk := make([]byte, 1<<20)
			for range maxBody>>20 + 1 {
				if _, err := w.Write(chunk); err != nil {
					return // it has seen enough
				}
			}
		case "/binary":
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = io.WriteString(w, "\xff")
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Host, r.Header.Get("X-Mine"), body)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestExecute(t *testing.T) {
	at := serve(t)
	host := strings.TrimPrefix(at, "http://")
	for name, c := range map[string]struct {
		path        string
		config      map[string]any
		body, fault string
	}{
		"GET":           {"/", nil, "GET " + host + "  ", ""},
		"headers":       {"/", map[string]any{"request_headers": map[string]string{"X-Mine": "m", "host": "example.org"}}, "GET example.org m ", ""},
		"POST":          {"/", map[string]any{"method": "POST", "request_body": "b"}, "POST " + host + "  b", ""},
		"HEAD":          {"/", map[string]any{"method": "HEAD"}, "", ""},
		"a redirection": {"/moved", nil, "GET " + host + "  ", ""},
		"not there":     {"/missing?token=secret", nil, "", "the server answered 404 Not Found"},
		"too large":     {"/large", nil, "", "the answer has more than 64 MiB"},
		"cut short":     {"/cut", nil, "", "unexpected EOF"},
	} {
		config := map[string]any{"url": at + c.path}
		for key, value := range c.config {
			config[key] = value
		}
		d := new(Datasource)
		if err := d.Configure(config); err != nil {
			t.Fatal(name, err)
		}
		got, err := d.Execute()
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %q", name, err, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if body := got.GetAttr("body").AsString(); body != c.body {
			t.Errorf("%s: %q, want %q", name, body, c.body)
		}
		for _, attribute := range []string{"response_headers", "request_headers"} {
			if twice := got.GetAttr(attribute).Index(cty.StringVal("X-Twice")).AsString(); twice != "a, b" {
				t.Errorf("%s: %s has %q", name, attribute, twice)
			}
		}
	}
}

// TestBinaryIsNoted: what is not text is given as it is, and the log says so.
func TestBinaryIsNoted(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(io.Discard) })
	d := new(Datasource)
	if err := d.Configure(map[string]any{"url": serve(t) + "/binary"}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Execute(); err != nil || got.GetAttr("body").AsString() != "\xff" {
		t.Errorf("%#v, %v", got, err)
	}
	if !strings.Contains(logged.String(), "application/octet-stream") {
		t.Errorf("logged: %s", logged.String())
	}
}

func TestNobodyAnswers(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	d := new(Datasource)
	if err := d.Configure(map[string]any{"url": strings.Replace(server.URL, "//", "//user:password@", 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Execute(); err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}

func TestConfigure(t *testing.T) {
	for address, fault := range map[string]string{
		"https://example.org": "", "http://<unknown>/x": "", "<unknown>": "", "": "url: it is missing",
		"ftp://example.org": "neither http:// nor https://", "https:///x": "names no host", "http://a b": "cannot be read",
	} {
		err := new(Datasource).Configure(map[string]any{"url": address, "method": "SMELL"})
		if err == nil || !strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), `"SMELL"`) {
			t.Errorf("%q: %v, want %q", address, err, fault)
		}
	}
}

func TestIsText(t *testing.T) {
	for kind, want := range map[string]bool{
		"text/html": true, "text/plain; charset=UTF-8": true, "application/json": true, "application/samlmetadata+xml": true,
		"text/plain; charset=latin1": false, "application/zip": false, "": false,
	} {
		if got := isText(kind); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

// TestRedirectKeepsTheQuery: the one whom a redirect leads to is not told what was asked
// for, which may be secret.
func TestRedirectKeepsTheQuery(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("from " + r.Header.Get("Referer")))
	}))
	defer target.Close()
	first := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusFound))
	defer first.Close()
	output, err := Config{URL: first.URL + "/?token=secret", Method: http.MethodGet}.ask(t.Context(), client())
	if err != nil || output.Body != "from " {
		t.Errorf("%q, %v", output.Body, err)
	}
}
