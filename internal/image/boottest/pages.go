package boottest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// page is a page that must be there.
type page struct {
	path  string
	title string   // all of it, or ""
	texts []string // which it must hold
}

func (p page) check() check {
	return check{"page " + p.path, func(ctx context.Context, s subject) (string, error) { return p.fetch(ctx, s.web) }}
}

// attempts is how often a page may be asked for. AmiGO waits two seconds for
// GOlr and says "not found" then, which is what a cold Java virtual machine on
// an emulated or busy host makes of a first search.
const attempts = 5

func (p page) fetch(ctx context.Context, w *web) (title string, err error) {
	for attempt := 1; ; attempt++ {
		title, err = p.once(ctx, w)
		if err == nil || attempt == attempts {
			return title, err
		}
		select {
		case <-ctx.Done():
			return title, err
		case <-time.After(w.pause):
		}
	}
}

func (p page) once(ctx context.Context, w *web) (string, error) {
	r, err := w.get(ctx, p.path)
	if err != nil {
		return "", err
	}
	title := titleOf(r.body)
	switch {
	case r.status != http.StatusOK:
		return "", fmt.Errorf("status %d", r.status)
	case p.title != "" && title != p.title:
		return "", fmt.Errorf("the title is %q, not %q", title, p.title)
	}
	for _, text := range p.texts {
		if !strings.Contains(r.body, text) {
			return "", fmt.Errorf("it does not say %q", text)
		}
	}
	return title, selfContained(r)
}

var termCheck = check{"a term's page", termPage}

// pages returns the checks of all pages that users come to first.
func pages() []check {
	return []check{
		{"page /", startPage},
		page{path: "/amigo", title: "AmiGO 2: Welcome"}.check(),
		page{path: "/amigo/search/annotation"}.check(),
		page{path: "/grebe"}.check(),
		termCheck,
		{"everything that /amigo displays is there", displayed},
		{"the pages work under any address", anyAddress},
	}
}

// startPage checks that the page lets people search, says what the image is, and keeps GO's rules
// for those who show its data: release date, DOI, licence.
func startPage(ctx context.Context, s subject) (string, error) {
	p := page{path: "/", texts: []string{`type="search"`, "/amigo", "creativecommons.org/licenses/by/4.0"}}
	switch golr := s.facts.About.GOlr; {
	case manifest.IsExample(golr.DOI):
		p.texts = append(p.texts, "do not cite")
	case golr.DOI != "":
		p.texts = append(p.texts, golr.DOI)
	}
	if date := s.facts.About.GOlr.Date; date != "" {
		p.texts = append(p.texts, date)
	}
	return p.fetch(ctx, s.web)
}

func termPage(ctx context.Context, s subject) (string, error) {
	term := s.facts.About.Test.Term
	if term == "" {
		return "", fmt.Errorf("%s names no test.term", aboutPath)
	}
	return page{path: "/amigo/term/" + term, texts: []string{term}}.fetch(ctx, s.web)
}

// displayed fetches every style, script and picture of the welcome page.
func displayed(ctx context.Context, s subject) (string, error) {
	welcome, err := s.web.get(ctx, "/amigo")
	if err != nil {
		return "", err
	}
	paths := localPaths(welcome.body)
	if len(paths) == 0 {
		return "", errors.New("/amigo loads no style and no script")
	}
	for _, path := range paths {
		r, err := s.web.get(ctx, path)
		if err != nil {
			return "", err
		}
		if r.status != http.StatusOK || r.body == "" {
			return "", fmt.Errorf("%s: status %d, %d bytes", path, r.status, len(r.body))
		}
	}
	return fmt.Sprintf("%d files", len(paths)), nil
}

// anyAddress asks under a name that nobody knew when the image was made.
func anyAddress(ctx context.Context, s subject) (string, error) {
	const host = "amigo.example.org:8042"
	r, err := s.web.getAs(ctx, "/amigo", host)
	if err != nil {
		return "", err
	}
	if r.status != http.StatusOK {
		return "", fmt.Errorf("status %d as %s", r.status, host)
	}
	if baked := bakedAddress.FindString(r.body); baked != "" {
		return "", fmt.Errorf("the page holds the address %s", baked)
	}
	return host, selfContained(r)
}

var (
	titleElement = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	// element is a start tag that can make a browser load something.
	element   = regexp.MustCompile(`(?is)<(script|link|img|iframe|source|embed|object|audio|video)\b[^>]*>`)
	attribute = regexp.MustCompile(`(?is)\b(src|href|data|rel)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	// styleURL is what a style in the page loads.
	styleURL     = regexp.MustCompile(`(?is)(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)`)
	analytics    = regexp.MustCompile(`\bUA-\d{4,}-\d+\b|\bG-[A-Z0-9]{10}\b|googletagmanager|google-analytics`)
	bakedAddress = regexp.MustCompile(`https?://(?:127\.0\.0\.1|localhost)(?::\d+)?`)
)

func titleOf(page string) string {
	match := titleElement.FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return strings.Join(strings.Fields(html.UnescapeString(match[1])), " ")
}

// selfContained checks that a page leaves nothing open, loads nothing from
// elsewhere and counts nobody.
func selfContained(r response) error {
	if strings.Contains(r.body, "???") {
		return errors.New("the page says ???")
	}
	if id := analytics.FindString(r.body); id != "" {
		return fmt.Errorf("the page counts its visitors: %s", id)
	}
	for _, address := range slices.Concat(loads(r.body), styles(r.body)) {
		if host, outside := hostOf(address); outside && host != r.host {
			return fmt.Errorf("the page loads %s", address)
		}
	}
	return nil
}

// loads returns the addresses that the page's elements load when it is shown.
func loads(page string) []string {
	var found []string
	for _, tag := range element.FindAllStringSubmatch(page, -1) {
		attributes := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(tag[0], -1) {
			attributes[strings.ToLower(a[1])] = html.UnescapeString(strings.TrimSpace(a[2] + a[3]))
		}
		name := "src"
		switch strings.ToLower(tag[1]) {
		case "link":
			if !loadingLink.MatchString(attributes["rel"]) {
				continue
			}
			name = "href"
		case "object":
			name = "data"
		}
		if attributes[name] != "" {
			found = append(found, attributes[name])
		}
	}
	return found
}

// loadingLink is a relation whose target a browser loads by itself.
var loadingLink = regexp.MustCompile(`(?i)\b(stylesheet|icon|preload|prefetch|modulepreload|manifest)\b`)

func styles(page string) []string {
	var found []string
	for _, match := range styleURL.FindAllStringSubmatch(page, -1) {
		found = append(found, match[1])
	}
	return found
}

// hostOf returns the host of an address that has one.
func hostOf(address string) (host string, outside bool) {
	rest := address
	for _, scheme := range []string{"http:", "https:"} {
		rest = strings.TrimPrefix(rest, scheme)
	}
	if !strings.HasPrefix(rest, "//") {
		return "", false
	}
	host, _, _ = strings.Cut(rest[2:], "/")
	return host, true
}

// localPaths returns the paths on the same host that a page loads, each once.
func localPaths(page string) []string {
	var paths []string
	for _, address := range loads(page) {
		if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !slices.Contains(paths, address) {
			paths = append(paths, address)
		}
	}
	return paths
}
