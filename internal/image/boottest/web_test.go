package boottest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// site serves fixed bodies by path; a body that begins with a number and a
// space has that status.
func site(t *testing.T, bodies map[string]string) subject {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		var status int
		if n, _ := fmt.Sscanf(body, "%d ", &status); n == 1 && status >= 100 {
			w.WriteHeader(status)
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "HOST", r.Host)))
	}))
	t.Cleanup(server.Close)
	evidence := evidence{dir: t.TempDir()}
	if err := evidence.make(); err != nil {
		t.Fatal(err)
	}
	s := subject{web: newWeb(server.URL, time.Minute, evidence), evidence: evidence}
	s.web.pause = 0
	s.facts.About.Test.Search, s.facts.About.Test.Term = "apoptotic process", "GO:0006915"
	s.facts.About.GOlr.DOI, s.facts.About.GOlr.Date = "10.5281/zenodo.1", "2026-08-01"
	return s
}

const welcome = `<html><head><title>AmiGO 2:
 Welcome</title><link rel="stylesheet" href="/static/a.css"><script src="/static/a.js"></script></head>
<a href="https://geneontology.org">GO</a></html>`

func goodSite() map[string]string {
	return map[string]string{
		"/":                        `<title>AmiGO</title><input type="search"><a href="/amigo">10.5281/zenodo.1 2026-08-01 <a href="https://creativecommons.org/licenses/by/4.0/">`,
		"/amigo":                   welcome,
		"/amigo/search/annotation": "<title>Search</title>",
		"/grebe":                   "<title>Grebe</title>",
		"/amigo/term/GO:0006915":   "<title>GO:0006915</title>",
		"/static/a.css":            "a{}",
		"/static/a.js":             "1",
		"/solr/select":             `{"response":{"numFound":2,"docs":[{"annotation_class":"GO:0006915","annotation_class_label":"Apoptotic process"}]}}`,
	}
}

func TestPages(t *testing.T) {
	s := site(t, goodSite())
	for _, c := range append(pages(), check{"search", search}) {
		if detail, err := c.run(t.Context(), s); err != nil {
			t.Errorf("%s: %v (%s)", c.name, err, detail)
		}
	}
	kept, err := filepath.Glob(filepath.Join(s.evidence.dir, "responses", "*"))
	if err != nil || len(kept) < 8 {
		t.Errorf("%d responses are kept (%v)", len(kept), err)
	}
	if content, err := os.ReadFile(kept[0]); err != nil || !strings.Contains(string(content), "200 OK") {
		t.Errorf("%v: %s", err, content)
	}
}

func TestPagesFail(t *testing.T) {
	for _, test := range []struct{ name, path, body, want string }{
		{"no such page", "/grebe", "404 gone", "page /grebe: status 404"},
		{"server error", "/amigo/term/GO:0006915", "500 GO:0006915", "a term's page: status 500"},
		{"wrong title", "/amigo", "<title>It works!</title>", `page /amigo: the title is "It works!"`},
		{"unknown date", "/amigo/search/annotation", "loaded on ???", "the page says ???"},
		{"picture from elsewhere", "/grebe", `<img alt=x src='https://zenodo.org/badge.svg'>`, "the page loads https://zenodo.org/badge.svg"},
		{"script without a scheme", "/grebe", `<script async src="//cdn.example.org/x.js"></script>`, "the page loads //cdn.example.org/x.js"},
		{"style from elsewhere", "/grebe", `<link href="http://example.org/x.css" rel="stylesheet">`, "the page loads http://example.org/x.css"},
		{"style in the page", "/grebe", `<style>@import url("https://fonts.example.org/f.css")</style>`, "the page loads https://fonts.example.org/f.css"},
		{"analytics", "/grebe", `ga('create', 'UA-12345-6')`, "the page counts its visitors: UA-12345-6"},
		{"no licence", "/", `type="search" /amigo 10.5281/zenodo.1 2026-08-01`, `page /: it does not say "creativecommons.org`},
		{"no DOI", "/", `type="search" /amigo creativecommons.org/licenses/by/4.0 2026-08-01`, `page /: it does not say "10.5281/zenodo.1"`},
		{"no bundle", "/static/a.js", "404 gone", "/static/a.js: status 404"},
		{"no style at all", "/amigo", "<title>AmiGO 2: Welcome</title>", "loads no style and no script"},
		{"baked address", "/amigo", welcome + `<a href="http://localhost:9999/amigo">`, "the page holds the address http://localhost:9999"},
		{"nothing found", "/solr/select", `{"response":{"numFound":0}}`, "nothing was found"},
		{"something else found", "/solr/select", `{"response":{"numFound":1,"docs":[{}]}}`, "none with it as its label"},
		{"no search", "/solr/select", "<html>", "the answer is not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bodies := goodSite()
			bodies[test.path] = test.body
			s := site(t, bodies)
			var faults []string
			for _, c := range append(pages(), check{"search", search}) {
				if _, err := c.run(t.Context(), s); err != nil {
					faults = append(faults, c.name+": "+err.Error())
				}
			}
			if !strings.Contains(strings.Join(faults, "\n"), test.want) {
				t.Errorf("got %q, want %q", faults, test.want)
			}
		})
	}
}

func TestOwnHostIsNotOutside(t *testing.T) {
	s := site(t, map[string]string{"/x": `<script src="http://HOST/x.js"></script>`})
	if _, err := (page{path: "/x"}).fetch(t.Context(), s.web); err != nil {
		t.Error(err)
	}
}

func TestRedirectElsewhere(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://elsewhere.example.org/", http.StatusFound))
	defer server.Close()
	w := newWeb(server.URL, time.Minute, evidence{dir: t.TempDir()})
	if _, err := w.get(t.Context(), "/"); err == nil || !strings.Contains(err.Error(), "redirected to another host") {
		t.Error(err)
	}
}

func TestForbidden(t *testing.T) {
	// What is not there answers 404; a select that looks at nothing answers.
	s := site(t, map[string]string{"/solr/select": `{"response":{"numFound":1}}`})
	for _, path := range forbidden {
		_, err := refused(path)(t.Context(), s)
		if open := strings.HasPrefix(path, "/solr/select?"); open != (err != nil) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNoShardsByPost(t *testing.T) {
	for body, fine := range map[string]bool{
		`{"response":{"numFound":1}}`: true,
		"403 no":                      true,
		"405 no":                      true,
		"500 connection refused":      false,
	} {
		_, err := noShardsByPost(t.Context(), site(t, map[string]string{"/solr/select": body}))
		if fine != (err == nil) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestQueryReachesTheServerAsItIs(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.RequestURI) }))
	defer server.Close()
	w := newWeb(server.URL, time.Minute, evidence{dir: t.TempDir()})
	for _, path := range forbidden {
		if _, err := w.get(context.Background(), path); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(forbidden, got); diff != "" {
		t.Error(diff)
	}
}
