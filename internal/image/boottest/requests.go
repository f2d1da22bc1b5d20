package boottest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// requests returns the checks of what the web server makes of requests that no
// page of AmiGO's sends, and of what it says beside its answers.
func requests() []check {
	checks := []check{
		{"only the methods that AmiGO needs", methods},
		{"GOlr's answers are what they say", answerTypes},
		{"pages say what they may load and where forms go", policies},
	}
	for _, bad := range badSearches() {
		checks = append(checks, check{"no inside is told: " + bad.name, bad.try})
	}
	return checks
}

// methods tries what changes things elsewhere, and what no server knows.
func methods(ctx context.Context, s subject) (string, error) {
	for _, request := range []struct{ method, path string }{
		{http.MethodPut, "/amigo"}, {http.MethodDelete, "/amigo"}, {http.MethodOptions, "/amigo"},
		{"FOO", "/amigo"}, {http.MethodPost, "/amigo"}, {"FOO", "/"},
	} {
		r, err := s.web.do(ctx, request.method, request.path, "", "")
		if err != nil {
			return "", err
		}
		if r.status != http.StatusMethodNotAllowed {
			return "", fmt.Errorf("%s %s: status %d, not 405", request.method, request.path, r.status)
		}
	}
	return "405 for others", nil
}

// answerTypes checks that browsers take what GOlr answers: as data, and where a
// script is asked for, as one.
func answerTypes(ctx context.Context, s subject) (string, error) {
	for query, want := range map[string]string{
		"":              "application/json",
		"&json.wrf=got": "application/javascript",
	} {
		r, err := s.web.get(ctx, "/solr/select?q=*:*&rows=0&wt=json"+query)
		if err != nil {
			return "", err
		}
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		if r.status != http.StatusOK || kind != want {
			return "", fmt.Errorf("wt=json%s: status %d, %q, not %q", query, r.status, kind, want)
		}
		if r.header.Get("X-Content-Type-Options") != "nosniff" {
			return "", errors.New("X-Content-Type-Options is not nosniff")
		}
	}
	return "JSON and JavaScript", nil
}

// policies reads the Content-Security-Policy of AmiGO's first page.
func policies(ctx context.Context, s subject) (string, error) {
	r, err := s.web.get(ctx, "/amigo")
	if err != nil {
		return "", err
	}
	policy := map[string]string{}
	for _, directive := range strings.Split(r.header.Get("Content-Security-Policy"), ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = sources
	}
	for name, first := range map[string]string{
		"default-src": "'self'", "script-src": "'self'", "form-action": "'self'",
		"object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'self'",
	} {
		sources := strings.Fields(policy[name])
		if len(sources) == 0 || sources[0] != first {
			return "", fmt.Errorf("%s is %q", name, policy[name])
		}
		for _, source := range sources {
			if strings.HasPrefix(source, "*") || strings.HasSuffix(source, ":") {
				return "", fmt.Errorf("%s allows %q", name, source)
			}
		}
	}
	return "form-action " + policy["form-action"], nil
}

// badSearch is a search that GOlr must not be asked.
type badSearch struct{ name, query string }

func badSearches() []badSearch {
	return []badSearch{
		{"a number of rows that is none", "q=*:*&rows=abc"},
		{"more rows than anybody needs", "q=*:*&rows=2147483647"},
		{"a start beyond everything", "q=*:*&start=100001"},
		{"text that is not UTF-8", "q=%FF"},
		{"a query that cannot be read", "q=" + url.QueryEscape("id:((")},
		{"a field that is not there", "q=*:*&rows=0&facet=true&facet.field=nothing"},
		{"too many filters", "q=*:*&rows=0" + strings.Repeat("&fq=id:x", 1500)},
		{"too many facets", "q=*:*&rows=0&facet=true&facet.limit=-1" + strings.Repeat("&facet.field=source", 200)},
	}
}

// insides are what an error page must not tell.
var insides = []string{"Exception", "org.apache", "java.lang", "127.0.0.1", "localhost"}

// try checks that the search is answered with 400 and words.
func (b badSearch) try(ctx context.Context, s subject) (string, error) {
	r, err := s.web.get(ctx, "/solr/select?"+b.query)
	if err != nil {
		return "", err
	}
	if r.status != http.StatusBadRequest {
		return "", fmt.Errorf("status %d, not 400", r.status)
	}
	return "status 400", tellsNothing(r)
}

func tellsNothing(r response) error {
	for _, inside := range insides {
		if strings.Contains(r.body, inside) {
			return fmt.Errorf("the answer tells %q", inside)
		}
	}
	return nil
}

// farewell is made last: it stops GOlr.
var farewell = []check{{"while GOlr is away, pages say so", waitsForGOlr}}

// waitsForGOlr checks that nobody sees an error, or an address inside the
// machine, while its search server starts or has ended.
func waitsForGOlr(ctx context.Context, s subject) (string, error) {
	if _, err := s.guest.Output(ctx, "systemctl stop jetty9.service"); err != nil {
		return "", err
	}
	for _, path := range []string{"/amigo", "/amigo/term/GO:0008150", "/solr/select?q=*:*"} {
		r, err := s.web.get(ctx, path)
		if err != nil {
			return "", err
		}
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			return "", fmt.Errorf("%s: status %d, Retry-After %q", path, r.status, r.header.Get("Retry-After"))
		}
		if err := tellsNothing(r); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	r, err := s.web.get(ctx, "/")
	if err == nil && r.status != http.StatusOK {
		err = fmt.Errorf("/: status %d", r.status)
	}
	return "status 503, try again", err
}
