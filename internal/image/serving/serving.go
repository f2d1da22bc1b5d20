// Package serving tells whether a machine serves AmiGO: a page and a search
// that finds, since a port that is open says nothing.
package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// Page is what people open.
const Page = "/amigo"

// AllPath asks GOlr how much it has.
const AllPath = "/solr/select?q=*:*&rows=0&wt=json"

// pollInterval leaves an emulated guest time to start up.
const pollInterval = 3 * time.Second

// TimeoutError says that a machine did not serve in time.
type TimeoutError struct {
	After time.Duration
	Last  error // of the last attempt
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no answer within %s (last: %v)", e.After, e.Last)
}

func (e *TimeoutError) Unwrap() error { return e.Last }

// Await tries until it succeeds, timeout is over (a [*TimeoutError]), ctx is
// done or the machine has exited.
func Await(ctx context.Context, machine guest.Process, timeout time.Duration, try func(context.Context) error) error {
	trying, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		err := try(trying)
		if err == nil {
			return nil
		}
		select {
		case <-machine.Exited():
			return machine.Err()
		case <-trying.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("waiting for an answer: %w", context.Cause(ctx))
			}
			return &TimeoutError{After: timeout, Last: err}
		case <-time.After(pollInterval):
		}
	}
}

var errElsewhere = errors.New("redirected to another host")

// Client returns a client for a machine's web server: no proxy, no waiting on
// kept connections, no way to another host.
func Client(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if request.URL.Host != via[0].URL.Host || len(via) > 5 {
				return fmt.Errorf("%w: %s", errElsewhere, request.URL)
			}
			return nil
		},
	}
}

// SearchPath returns the path of a search for terms, with the parameters that
// AmiGO's own pages send, so that a proxy that knows too few is found out.
func SearchPath(text string) string {
	return "/solr/select?" + url.Values{
		"q": {text}, "defType": {"edismax"}, "qt": {"standard"}, "indent": {"on"}, "wt": {"json"},
		"rows": {"10"}, "start": {"0"}, "fl": {"*,score"}, "json.nl": {"arrarr"},
		"facet": {"true"}, "facet.mincount": {"1"}, "facet.sort": {"count"}, "facet.limit": {"25"},
		"facet.field": {"source", "is_obsolete"},
		"hl":          {"true"}, "hl.simple.pre": {`<em class="hilite">`}, "hl.snippets": {"1000"},
		"fq": {`document_category:"ontology_class"`},
		"qf": {"annotation_class^3", "annotation_class_label_searchable^5.5"},
		"_":  {"1"},
	}.Encode()
}

// Found is the part of GOlr's answer that is used here.
type Found struct {
	Response struct {
		NumFound int `json:"numFound"`
		Docs     []struct {
			ID    string `json:"annotation_class"`
			Label string `json:"annotation_class_label"`
		} `json:"docs"`
	} `json:"response"`
}

// ParseFound reads GOlr's answer.
func ParseFound(answer []byte) (Found, error) {
	var f Found
	if err := json.Unmarshal(answer, &f); err != nil {
		return f, fmt.Errorf("the answer is not JSON: %w", err)
	}
	return f, nil
}

// Has checks that a document with the text in its label was found, and says
// what was.
func (f Found) Has(text string) (string, error) {
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
