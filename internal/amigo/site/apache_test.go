package site

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// httpd is a real Apache with the configuration of an image, before a server
// that stands for Solr and one that stands for AmiGO's workers.
type httpd struct {
	base  string
	dir   string
	asked chan string // the query strings that got to Solr
}

// modulesOf are those that Debian's Apache has, and the image's own.
var modulesOf = strings.Fields("mpm_event authz_core alias dir mime headers rewrite include proxy proxy_http setenvif")

func startApache(t *testing.T, s Site) *httpd {
	t.Helper()
	h := &httpd{dir: t.TempDir(), asked: make(chan string, 100)}
	here := *distro.Standard()
	here.Web.Logs = h.dir
	s.Guest = &here
	files, err := Files(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"static", "status"} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files.Sorted() {
		if strings.HasPrefix(file.Path, Share+"/www/") {
			h.write(t, strings.TrimPrefix(file.Path, Share), string(file.Data))
		}
	}
	h.write(t, "ready", "")
	port := freePort(t)
	h.base = "http://127.0.0.1:" + port
	h.write(t, "httpd.conf", h.config(t, string(files["/etc/apache2/sites-available/amigo.conf"].Data), port))
	h.run(t)
	return h
}

// config is the image's virtual host with the test's places.
func (h *httpd) config(t *testing.T, virtualHost, port string) string {
	t.Helper()
	solr := httptest.NewServer(http.HandlerFunc(h.solr))
	t.Cleanup(solr.Close)
	socket := filepath.Join(h.dir, "workers.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	workers := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(program), ReadHeaderTimeout: time.Minute}}
	workers.Start()
	t.Cleanup(workers.Close)
	var main strings.Builder
	for _, module := range modulesOf {
		fmt.Fprintf(&main, "LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", module)
	}
	fmt.Fprintf(&main, "Listen 127.0.0.1:%s\nPidFile %[2]s/pid\nTypesConfig /dev/null\nAddType text/html .html\nAddType text/css .css\nDirectoryIndex index.html\n", port, h.dir)
	fmt.Fprintf(&main, "LogFormat combined combined\nErrorLog %s/error.log\nStartServers 1\n", h.dir)
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&main, "User #%s\nGroup #%s\n", nobody.Uid, nobody.Gid)
	}
	return main.String() + strings.NewReplacer(
		"*:80", "*:"+port, Share, h.dir, "http://127.0.0.1:8080", solr.URL, "/run/amigo/workers.sock", socket,
		Ready, h.dir+"/ready", "/run/amigo-status", h.dir+"/status", "/srv/amigo/static", h.dir+"/static",
	).Replace(virtualHost)
}

// solr answers as Solr does, also with the inside of its errors.
func (h *httpd) solr(w http.ResponseWriter, r *http.Request) {
	h.asked <- r.URL.RawQuery
	switch r.URL.Query().Get("q") {
	case "syntax":
		http.Error(w, "org.apache.lucene.queryParser.ParseException", http.StatusBadRequest)
	case "crash":
		http.Error(w, "java.lang.NullPointerException\n\tat org.apache.solr", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		answer := `{"response":{}}`
		if function := r.URL.Query().Get("json.wrf"); function != "" {
			answer = function + "(" + answer + ")"
		}
		_, _ = io.WriteString(w, answer)
	}
}

func program(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("crash") {
		http.Error(w, "GOlr does not answer at http://127.0.0.1:8080/solr/", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, "a page")
}

func (h *httpd) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func (h *httpd) run(t *testing.T) {
	t.Helper()
	// Apache's processes that serve are nobody's.
	for dir := h.dir; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- command.Run(ctx, command.Cmd{Name: "/usr/sbin/apache2", Args: []string{"-D", "FOREGROUND", "-d", h.dir, "-f", h.dir + "/httpd.conf"}})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for {
		select {
		case err := <-done:
			done <- err
			log, _ := os.ReadFile(h.dir + "/error.log")
			t.Fatalf("Apache ended: %v\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
		if answer, err := http.Get(h.base + "/"); err == nil {
			_ = answer.Body.Close()
			return
		}
	}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
	query  string // that got to Solr, or ""
}

func (h *httpd) do(t *testing.T, method, path string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	select {
	case a.query = <-h.asked:
	default:
	}
	return a
}

// repeated is a parameter, many times over.
func repeated(pair string, times int) string { return strings.Repeat("&"+pair, times) }

func TestApacheAnswers(t *testing.T) {
	h := startApache(t, Site{Serve: Workers, Programs: []string{"amigo", "visualize", "rte"}, Readers: Readers{"*"}})
	const search = "/solr/select?q=a&wt=json"
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"GET", "/amigo", 200},
		{"HEAD", "/amigo", 200},
		{"POST", "/rte", 200},
		{"POST", "/visualize", 200},
		{"POST", "/amigo", 405},
		{"POST", "/visualizer", 405},
		{"POST", "/solr/select?q=a", 405},
		{"PUT", "/amigo", 405},
		{"DELETE", "/amigo", 405},
		{"OPTIONS", "/solr/select", 405},
		{"TRACE", "/amigo", 405},
		{"FOO", "/amigo", 405},
		{"FOO", "/", 405},
		{"GET", "/amigo?crash", 500},
		{"GET", search, 200},
		{"GET", "/solr/select", 200},
		{"GET", "/solr/", 404},
		{"GET", "/solr/select/x", 404},
		{"GET", "/solr/update", 404},
		{"GET", search + "&shards=x", 403},
		{"GET", search + "&timeAllowed=99999999", 403},
		{"GET", search + "&rows=100000&start=000100000", 200},
		{"GET", search + "&rows=100001", 400},
		{"GET", search + "&rows=2147483647", 400},
		{"GET", search + "&rows=abc", 400},
		{"GET", search + "&rows=", 400},
		{"GET", search + "&rows=-1", 400},
		{"GET", search + "&rows=%31", 400},
		{"GET", search + "&start=1e3", 400},
		{"GET", search + "&facet.limit=-1&f.source.facet.limit=200&hl.snippets=1000", 200},
		{"GET", search + "&facet.limit=x", 400},
		{"GET", search + "&f.source.facet.limit=99999999", 400},
		{"GET", "/solr/select?q=%FF", 400},
		{"GET", "/solr/select?q=%C3", 400},
		{"GET", "/solr/select?q=%C0%80", 400},
		{"GET", "/solr/select?q=%ED%A0%80", 400},
		{"GET", "/solr/select?q=%zz", 400},
		{"GET", "/solr/select?q=%", 400},
		{"GET", "/solr/select?q=caf%C3%A9+%E2%82%AC%F0%9F%A7%AC", 200},
		{"GET", "/solr/select?fq=%FF", 400},
		{"GET", "/solr/select?q=syntax", 400},
		{"GET", "/solr/select?q=crash", 500},
		{"GET", search + repeated("fq=id:a", 50), 200},
		{"GET", search + repeated("fq=id:a", 51), 400},
		{"GET", search + repeated("facet.field=source", 50), 200},
		{"GET", search + repeated("facet.field=source&fl=a", 51), 400},
		{"GET", search + repeated("facet.query=a", 51), 400},
		{"GET", search + repeated("qf=a", 250), 200},
		{"GET", search + repeated("qf=a", 300), 400},
		{"GET", search + "&fl=" + strings.Repeat("a", 8000), 200},
		{"GET", search + "&fl=" + strings.Repeat("a", 8001), 400},
		{"GET", "/solr/select?q=" + strings.Repeat("%41", 20000), 200},
		{"GET", "/solr/select?q=" + strings.Repeat("%41", 20000) + "%FF", 400},
		{"GET", "/solr/select?q=" + strings.Repeat("a", 70000), 414},
		{"GET", search + "&json.wrf=alert(1)", 403},
	} {
		got := h.do(t, test.method, test.path)
		if got.status != test.status {
			t.Errorf("%s %.100s: status %d, want %d", test.method, test.path, got.status, test.status)
		}
		for _, inside := range []string{"127.0.0.1", "Exception", "org.apache"} {
			if strings.Contains(got.body, inside) {
				t.Errorf("%s %.100s tells %q", test.method, test.path, inside)
			}
		}
		if strings.HasPrefix(test.path, "/solr/") && (got.query == "") != (got.status != 200) && !strings.HasSuffix(test.path, "=syntax") && !strings.HasSuffix(test.path, "=crash") {
			t.Errorf("%s %.100s: status %d, Solr was asked %.100q", test.method, test.path, got.status, got.query)
		}
	}
}

func TestApacheHandsSearchesOn(t *testing.T) {
	h := startApache(t, Site{Serve: Workers, Programs: []string{"amigo"}, Readers: Readers{"*"}})
	const query = "q=a%26b%2Bc+d:%22e%22&fq=-x:y%5C:z&wt=json&json.wrf=jQuery_1.cb&_=1"
	got := h.do(t, "GET", "/solr/select?"+query, "Origin", "https://example.org")
	if want := query + "&timeAllowed=60000"; got.query != want {
		t.Errorf("Solr got %q, want %q", got.query, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/javascript; charset=UTF-8", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "*", "Content-Security-Policy": DataPolicy,
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	if kind := h.do(t, "GET", "/solr/select?q=a&wt=json").header.Get("Content-Type"); kind != "application/json; charset=UTF-8" {
		t.Errorf("the answer is %q", kind)
	}
	if origin := h.do(t, "GET", "/amigo").header.Get("Access-Control-Allow-Origin"); origin != "" {
		t.Errorf("a page may be read by %q", origin)
	}
}

func TestApacheSaysWhoMayRead(t *testing.T) {
	h := startApache(t, Site{Serve: Workers, Programs: []string{"amigo"}, Readers: Readers{"https://example.org", "http://a.b:8000"}})
	for origin, want := range map[string]string{
		"https://example.org": "https://example.org", "http://a.b:8000": "http://a.b:8000",
		"https://exampleXorg": "", "https://example.org.evil.test": "", "": "",
	} {
		got := h.do(t, "GET", "/solr/select?q=a", "Origin", origin)
		if got.header.Get("Access-Control-Allow-Origin") != want || got.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || !strings.Contains(got.header.Get("Vary"), "Origin") {
			t.Errorf("%q: %v", origin, got.header)
		}
	}
	h = startApache(t, Site{Serve: Workers, Programs: []string{"amigo"}})
	got := h.do(t, "GET", "/solr/select?q=a", "Origin", "https://example.org")
	if got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("nobody may read: %v", got.header)
	}
}

func TestApacheWaitsForGOlr(t *testing.T) {
	h := startApache(t, Site{Serve: Workers, Programs: []string{"amigo", "grebe"}})
	if err := os.Remove(h.dir + "/ready"); err != nil {
		t.Fatal(err)
	}
	h.write(t, "status/status.html", `<p class="wrong">The disk is full.</p>`)
	for _, path := range []string{"/amigo", "/amigo/term/GO:0008150", "/grebe", "/solr/select?q=a"} {
		got := h.do(t, "GET", path)
		if got.status != 503 || got.header.Get("Retry-After") != "10" || !strings.Contains(got.body, "Try again") || !strings.Contains(got.body, "The disk is full.") || got.query != "" {
			t.Errorf("%s: %d %v\n%s", path, got.status, got.header, got.body)
		}
	}
	got := h.do(t, "GET", "/")
	if got.status != 200 || !strings.Contains(got.body, "The disk is full.") || got.header.Get("Content-Security-Policy") != OwnPolicy {
		t.Errorf("the start page: %d %v\n%s", got.status, got.header, got.body)
	}
}
