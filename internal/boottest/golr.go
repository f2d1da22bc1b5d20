package boottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// golr returns the checks of the index: it finds, and it does nothing else.
func golr() []check {
	checks := []check{{"a search through GOlr", search}, {"GOlr takes no shards by POST", noShardsByPost}}
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
func refused(path string) func(context.Context, *subject) (string, error) {
	return func(ctx context.Context, s *subject) (string, error) {
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

// searchParameters are those that AmiGO's own pages send with a search for
// terms, so that a proxy that knows too few of them is found out.
func searchParameters(text string) url.Values {
	return url.Values{
		"q": {text}, "defType": {"edismax"}, "qt": {"standard"}, "indent": {"on"}, "wt": {"json"},
		"rows": {"10"}, "start": {"0"}, "fl": {"*,score"}, "json.nl": {"arrarr"},
		"facet": {"true"}, "facet.mincount": {"1"}, "facet.sort": {"count"}, "facet.limit": {"25"},
		"facet.field": {"source", "is_obsolete"},
		"hl":          {"true"}, "hl.simple.pre": {`<em class="hilite">`}, "hl.snippets": {"1000"},
		"fq": {`document_category:"ontology_class"`},
		"qf": {"annotation_class^3", "annotation_class_label_searchable^5.5"},
		"_":  {"1"},
	}
}

// found is the part of Solr's answer that is used here.
type found struct {
	Response struct {
		NumFound int `json:"numFound"`
		Docs     []struct {
			ID    string `json:"annotation_class"`
			Label string `json:"annotation_class_label"`
		} `json:"docs"`
	} `json:"response"`
}

func search(ctx context.Context, s *subject) (string, error) {
	text := s.facts.About.Test.Search
	if text == "" {
		return "", fmt.Errorf("%s names no test.search", aboutPath)
	}
	r, err := s.web.get(ctx, "/solr/select?"+searchParameters(text).Encode())
	if err != nil {
		return "", err
	}
	if r.status != http.StatusOK {
		return "", fmt.Errorf("status %d", r.status)
	}
	var answer found
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
		return "", fmt.Errorf("the answer is no JSON: %w", err)
	}
	return answer.has(text)
}

// has checks that a document with the text in its label was found.
func (f found) has(text string) (string, error) {
	if f.Response.NumFound == 0 {
		return "", fmt.Errorf("nothing was found for %q", text)
	}
	for _, doc := range f.Response.Docs {
		if strings.Contains(strings.ToLower(doc.Label), strings.ToLower(text)) {
			return fmt.Sprintf("%q: %d found, %s %s", text, f.Response.NumFound, doc.ID, doc.Label), nil
		}
	}
	return "", fmt.Errorf("%d found for %q, none with it as its label", f.Response.NumFound, text)
}

// noShardsByPost sends what a proxy that looks at the address alone does not
// see. Solr would fail to reach the shard; that shows that it tried.
func noShardsByPost(ctx context.Context, s *subject) (string, error) {
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
