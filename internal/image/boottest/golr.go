package boottest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
)

var searchCheck = check{"a search through GOlr", search}

// golr returns the checks of the index: it finds, and it does nothing else.
func golr() []check {
	checks := []check{searchCheck, {"GOlr takes no shards by POST", noShardsByPost}}
	for _, path := range forbidden {
		checks = append(checks, check{"refused: " + path, refused(path)})
	}
	return checks
}

// forbidden are requests that would change the index, tell about the machine,
// or make it ask other machines.
var forbidden = []string{
	"/solr/",
	"/solr/admin/",
	"/solr/admin/cores",
	"/solr/beside/select?q=*:*",
	"/solr/update",
	"/solr/update?stream.body=%3Cdelete%3E%3Cquery%3Enothing:nothing%3C/query%3E%3C/delete%3E",
	"/solr/%75pdate",
	"/solr/select/../update",
	"/solr/select?q=*:*&qt=/update",
	"/solr/select?q=*:*&q%74=/update",
	"/solr/select?q=*:*&shards=127.0.0.1:8080/solr",
	"/solr/select?q=*:*&stream.url=http://127.0.0.1/",
	"/solr/select?q=*:*&stream.file=/etc/passwd",
}

// refused checks that path answers 403 or 404.
func refused(path string) func(context.Context, subject) (string, error) {
	return func(ctx context.Context, s subject) (string, error) {
		r, err := s.web.get(ctx, path)
		if err != nil {
			return "", err
		}
		if r.status != http.StatusForbidden && r.status != http.StatusNotFound {
			return "", fmt.Errorf("status %d", r.status)
		}
		return fmt.Sprintf("status %d", r.status), nil
	}
}

func search(ctx context.Context, s subject) (string, error) {
	text := s.facts.About.Test.Search
	if text == "" {
		return "", fmt.Errorf("%s names no test.search", aboutPath)
	}
	r, err := s.web.get(ctx, serving.SearchPath(text))
	if err != nil {
		return "", err
	}
	if r.status != http.StatusOK {
		return "", fmt.Errorf("status %d", r.status)
	}
	answer, err := serving.ParseFound([]byte(r.body))
	if err != nil {
		return "", err
	}
	return answer.Has(text)
}

// noShardsByPost sends what a proxy that looks at the address alone does not
// see. Solr would fail to reach the shard; that shows that it tried.
func noShardsByPost(ctx context.Context, s subject) (string, error) {
	r, err := s.web.post(ctx, "/solr/select", url.Values{"q": {"*:*"}, "rows": {"0"}, "wt": {"json"}, "shards": {"127.0.0.1:1/solr"}})
	if err != nil {
		return "", err
	}
	switch {
	case r.status == http.StatusOK && strings.Contains(r.body, `"numFound"`):
		return "ignored", nil
	case r.status >= 400 && r.status < 500:
		return fmt.Sprintf("status %d", r.status), nil
	}
	return "", errors.New("a shard was asked")
}
