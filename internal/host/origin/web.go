package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// web is a repository on a web server.
type web struct {
	base     *url.URL
	client   *http.Client
	patience Patience
	proxy    func(*http.Request) (*url.URL, error)
	met      atomic.Bool // it answered once

	authorization string // for this server alone; redirects elsewhere do not get it
}

func newWeb(base *url.URL, patience Patience) *web {
	w := &web{base: base, patience: patience, proxy: address.Proxy}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return w.proxy(r) }
	// A compressed part of a file is of no use, and counts wrongly.
	transport.DisableCompression = true
	transport.MaxIdleConnsPerHost = 16
	w.client = &http.Client{Transport: transport, CheckRedirect: address.Follow}
	return w
}

// current returns the patience that a server deserves: who never answered may
// be a slip of the pen.
func (w *web) current() Patience {
	p := w.patience
	if !w.met.Load() && p.Unmet > 0 {
		p.Total = p.Unmet
	}
	return p
}

func (w *web) URL(path string) string { return address.Of(w.address(path)) }

func (w *web) address(name string) *url.URL {
	full := *w.base
	full.Path = path.Join("/", w.base.Path, name)
	full.RawPath = address.EscapePath(full.Path)
	return &full
}

func (w *web) Fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	start := time.Now()
	defer w.patience.watch(w.URL(path))()
	return retry(ctx, w.current(), func() ([]byte, error) {
		r, err := w.get(ctx, path, "")
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }()
		return w.whole(r, limit, start)
	})
}

// whole reads a small file, which was first asked for at start.
func (w *web) whole(r *answer, limit int64, start time.Time) ([]byte, error) {
	if err := r.plain(); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, &SizeError{URL: r.url, Got: r.ContentLength, Want: limit}
	}
	content, err := io.ReadAll(io.LimitReader(paced{r, w.patience, start}, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = &SizeError{URL: r.url, Got: -1, Want: limit}
	}
	if err == nil && r.isPage(content) {
		err = &PageError{URL: r.url, Host: w.base.Host, Proxy: r.proxy}
	}
	return content, err
}

func (w *web) Range(ctx context.Context, path string, offset, length, total int64) (io.ReadCloser, error) {
	slice := slice{path: path, offset: offset, length: length, total: total}
	return w.lasting(ctx, slice, w.openSlice)
}

func (w *web) Open(ctx context.Context, path string, total int64) (io.ReadCloser, error) {
	return w.lasting(ctx, slice{path: path, length: total, total: total}, w.openWhole)
}

// openWhole opens a file from its beginning.
func (w *web) openWhole(ctx context.Context, s slice) (*answer, error) {
	if s.offset > 0 {
		return w.openSlice(ctx, s)
	}
	return retry(ctx, w.current(), func() (*answer, error) {
		r, err := w.get(ctx, s.path, "")
		if err != nil {
			return nil, err
		}
		err = r.plain()
		if err == nil && r.ContentLength >= 0 && r.ContentLength != s.total {
			err = &SizeError{URL: r.url, Got: r.ContentLength, Want: s.total}
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return r, nil
	})
}

// slices is how often a part is asked for in all of a server that sends
// something else.
const slices = 3

// openSlice opens a part of a file. Some caches send the whole file now and
// then, so it asks more than once before it gives up.
func (w *web) openSlice(ctx context.Context, s slice) (*answer, error) {
	attempts := 0
	return retry(ctx, w.current(), func() (*answer, error) {
		r, err := w.get(ctx, s.path, s.header())
		if err != nil {
			return nil, err
		}
		wrong := s.check(r)
		if wrong == nil {
			return r, nil
		}
		_ = r.Close()
		if attempts++; attempts == slices {
			return nil, &NoRangesError{URL: r.url, Why: wrong.Error()}
		}
		return nil, &TransportError{URL: r.url, Host: w.base.Host, Proxy: r.proxy, Reached: true, Err: wrong}
	})
}

// get asks for a file or a part of it and returns the answer if it is a good one.
func (w *web) get(ctx context.Context, path, byteRange string) (*answer, error) {
	return w.ask(ctx, http.MethodGet, path, byteRange)
}

// ask makes one request and returns the answer if it is a good one.
func (w *web) ask(ctx context.Context, method, path, byteRange string) (*answer, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	ctx, watch := newWatch(ctx, w.patience.Idle)
	request, err := http.NewRequestWithContext(ctx, method, w.address(path).String(), nil)
	if err != nil {
		watch.end()
		return nil, fmt.Errorf("asking for %s: %w", path, address.Error(err))
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "amigo-image")
	if byteRange != "" {
		request.Header.Set("Range", byteRange)
	}
	if w.authorization != "" {
		request.Header.Set("Authorization", w.authorization)
	}
	r := &answer{url: w.URL(path), host: w.base.Host, proxy: w.proxyOf(request), start: time.Now(), watch: watch}
	watch.begin()
	response, err := w.client.Do(request) //nolint:bodyclose // closed with the answer
	watch.pause()
	if err != nil {
		watch.end()
		r.host, err = last(r.host, err)
		return nil, r.failed(watch.cause(err))
	}
	w.met.Store(true)
	r.Response, r.status = response, response.StatusCode
	r.host, r.proxy = response.Request.URL.Host, w.proxyOf(response.Request)
	if err := w.refused(r); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// refused returns the error for an answer without a file.
func (w *web) refused(r *answer) error {
	if r.status < 300 {
		return nil
	}
	err := &StatusError{URL: r.url, Code: r.status, Proxy: r.proxy}
	return w.patience.later(err, r.Header.Get("Retry-After"), time.Now())
}

// last returns the host that an error of the HTTP client is of, which is
// another than was asked for after a redirect, and what happened there.
func last(host string, err error) (string, error) {
	var outer *url.Error
	if !errors.As(err, &outer) {
		return host, address.Error(err)
	}
	if to, e := url.Parse(outer.URL); e == nil && to.Host != "" {
		host = to.Host
	}
	return host, address.Error(outer.Err)
}

// proxyOf returns the proxy that a request goes through, for people.
func (w *web) proxyOf(request *http.Request) string {
	proxy, err := w.proxy(request)
	if err != nil || proxy == nil {
		return ""
	}
	return fmt.Sprintf("%s (from %s_PROXY)", address.Of(proxy), strings.ToUpper(request.URL.Scheme))
}
