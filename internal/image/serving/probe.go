package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxBody bounds what is read of an answer.
const maxBody = 4 << 20

// anyTerm asks for one term, whichever.
var anyTerm = "/solr/select?" + url.Values{
	"q": {"*:*"}, "wt": {"json"}, "rows": {"1"}, "fl": {"annotation_class,annotation_class_label"},
	"fq": {`document_category:"ontology_class"`, "annotation_class_label:[* TO *]"},
}.Encode()

// PageError says that AmiGO does not even show its page. What else can fail is
// the search.
type PageError struct{ Err error }

func (e *PageError) Error() string { return e.Err.Error() }

func (e *PageError) Unwrap() error { return e.Err }

// Probe looks at the machine at base ("http://127.0.0.1:9999") once, as
// somebody would: the page, then a search for a term. With no text it searches
// for one that the index names itself. It says what was found. An error about
// the page is a [*PageError].
func Probe(ctx context.Context, client *http.Client, base, text string) (string, error) {
	if _, err := get(ctx, client, base+Page); err != nil {
		return "", &PageError{err}
	}
	return search(ctx, client, base, text)
}

func search(ctx context.Context, client *http.Client, base, text string) (string, error) {
	if text == "" {
		f, err := ask(ctx, client, base+anyTerm)
		if err != nil {
			return "", err
		}
		if len(f.Response.Docs) == 0 {
			return "", errors.New("the index holds no term")
		}
		text = f.Response.Docs[0].Label
	}
	f, err := ask(ctx, client, base+SearchPath(text))
	if err != nil {
		return "", err
	}
	return f.Has(text)
}

func ask(ctx context.Context, client *http.Client, address string) (Found, error) {
	answer, err := get(ctx, client, address)
	if err != nil {
		return Found{}, err
	}
	return ParseFound(answer)
}

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", address, err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", request.URL.Path, cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s gives status %d", request.URL.Path, answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", request.URL.Path, err)
	}
	return body, nil
}

var errSilent = errors.New("no answer")

// cause is why a request failed, without the request.
func cause(err error) error {
	var failed *url.Error
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.Timeout():
		return errSilent
	default:
		return failed.Err
	}
}
