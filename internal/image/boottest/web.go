package boottest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
)

// web is the image's web server as a browser on the host sees it.
type web struct {
	base     string // "http://127.0.0.1:port"
	client   *http.Client
	evidence evidence
	count    atomic.Int64
	pause    time.Duration // between two attempts at a page
}

// response is an answer, read to its end.
type response struct {
	status int
	header http.Header
	body   string
	host   string // that was asked for
}

// maxBody bounds what is read of an answer: bundles have a few megabytes.
const maxBody = 32 << 20

func newWeb(base string, timeout time.Duration, evidence evidence) *web {
	return &web{base: base, evidence: evidence, pause: pollInterval, client: serving.Client(timeout)}
}

func (w *web) get(ctx context.Context, path string) (response, error) {
	return w.do(ctx, http.MethodGet, path, "", "")
}

// getAs asks as somebody who knows the machine under another name.
func (w *web) getAs(ctx context.Context, path, host string) (response, error) {
	return w.do(ctx, http.MethodGet, path, host, "")
}

func (w *web) post(ctx context.Context, path string, form url.Values) (response, error) {
	return w.do(ctx, http.MethodPost, path, "", form.Encode())
}

func (w *web) do(ctx context.Context, method, path, host, body string) (response, error) {
	request, err := http.NewRequestWithContext(ctx, method, w.base+path, strings.NewReader(body))
	if err != nil {
		return response{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if host != "" {
		request.Host = host
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return response{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return response{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r := response{status: answer.StatusCode, header: answer.Header, body: string(content), host: request.Host}
	if r.host == "" {
		r.host = request.URL.Host
	}
	w.keep(method, path, answer, r)
	return r, nil
}

// evidenceBody bounds what is kept of an answer.
const evidenceBody = 256 << 10

// keep stores the answer with its head, except the repeated "not yet".
func (w *web) keep(method, path string, answer *http.Response, r response) {
	if r.status == http.StatusServiceUnavailable || r.status == http.StatusBadGateway {
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\nHost: %s\n\n%s %s\n", method, path, r.host, answer.Proto, answer.Status)
	_ = r.header.Write(&text)
	text.WriteString("\n" + r.body[:min(len(r.body), evidenceBody)])
	name := fmt.Sprintf("responses/%02d-%s.txt", w.count.Add(1), fileName(path))
	w.evidence.keep(name, []byte(text.String()))
}

// fileName makes a short name for a path's answer.
func fileName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.':
			return r
		}
		return '-'
	}, strings.Trim(path, "/"))
	if name == "" {
		return "start"
	}
	return name[:min(len(name), 60)]
}
