package main

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// plusIsSpace serves a directory as S3 and servers like it do, which read a plus
// in a path as a space.
func plusIsSpace(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, err := url.PathUnescape(strings.ReplaceAll(r.URL.EscapedPath(), "+", " "))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.URL.Path, r.URL.RawPath = path, ""
		files.ServeHTTP(w, r)
	})
}

// TestLinks publishes a version with a plus in its name, follows every link of
// the pages and feeds, and pulls it.
func TestLinks(t *testing.T) {
	for _, public := range []bool{false, true} {
		p := newPerson(t)
		server := httptest.NewServer(plusIsSpace(filepath.Join(p.home, "www")))
		defer server.Close()
		makeImage(t, filepath.Join(p.home, "out", "distribution"), "distribution", "2026-11-15", "2026-10-10")
		line := "amigo-image keys init && amigo-image publish out --to www --version 2.5.17+git1"
		if public {
			line += " --public-url " + server.URL
		}
		status, _, errs := p.types(line)
		if status != 0 || strings.Contains(errs, "warning: no public URL is known") == public {
			t.Fatalf("exit status %d\n%s", status, errs)
		}
		for _, page := range []string{"/index.html", "/servers.html", "/nightly/index.html", "/nightly/servers.html", "/feed.atom", "/nightly/feed.atom"} {
			if n := followLinks(t, server.URL+page, server.URL); n < 3 {
				t.Errorf("%s has only %d links into the repository", page, n)
			}
		}
		if status, _, errs := p.types("amigo-image pull " + server.URL + " nightly"); status != 0 {
			t.Errorf("exit status %d\n%s", status, errs)
		}
	}
}

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	curls = regexp.MustCompile(`curl(?:\.exe)? -[^\n<]*`)
)

// followLinks requests what a page links to in its own repository, and what its
// lines for curl name, and returns how many links there are.
func followLinks(t *testing.T, page, base string) int {
	t.Helper()
	from, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	text := visit(t, page)
	var links []string
	for _, match := range hrefs.FindAllStringSubmatch(text, -1) {
		links = append(links, html.UnescapeString(match[1]))
	}
	for _, line := range curls.FindAllString(text, -1) {
		for _, word := range strings.Fields(html.UnescapeString(line)) {
			if strings.HasPrefix(word, base) {
				links = append(links, word)
			}
		}
	}
	n := 0
	for _, link := range links {
		to, err := from.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if to.Host != from.Host || strings.HasPrefix(link, "#") {
			continue
		}
		n++
		to.Fragment = ""
		visit(t, to.String())
	}
	return n
}

func visit(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", address, answer.Status, err)
	}
	return string(content)
}

// pageForAll serves a directory as hosts of single-page sites do, and a page where
// there is no file.
func pageForAll(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(r.URL.Path))); err != nil {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html><title>Home</title>")
			return
		}
		files.ServeHTTP(w, r)
	})
}

// TestPagesForFiles: both sides say so if a server sends a page for what is not
// there.
func TestPagesForFiles(t *testing.T) {
	p := newPerson(t)
	server := httptest.NewServer(pageForAll(filepath.Join(p.home, "www")))
	defer server.Close()
	makeImage(t, filepath.Join(p.home, "out", "distribution"), "distribution", "2026-11-15", "2026-10-10")
	status, _, errs := p.types("amigo-image keys init && amigo-image publish out --to www --public-url " + server.URL)
	if status != 0 || !strings.Contains(errs, "answers 200 for files that are not there") {
		t.Errorf("exit status %d\n%s", status, errs)
	}
	p.fails("amigo-image pull "+server.URL+" nightly", fault.Network, "sends a web page in the place of a file\n  where: http.*/metadata/2.root.json\n +perhaps a login")
}
