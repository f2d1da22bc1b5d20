// Package faulty answers requests for a file in the ways in which web servers
// and proxies get them wrong. Tests use it.
package faulty

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Handler answers request number n, from 1, for content.
type Handler func(w http.ResponseWriter, r *http.Request, n int64, content []byte)

// Honest is without faults.
func Honest(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Asked returns the part that a request asks for; ok is false if it asks for
// all.
func Asked(r *http.Request, content []byte) (from, to int, ok bool) {
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil {
		return 0, len(content), false
	}
	return from, min(to+1, len(content)), true
}

// Part answers with a part, saying what fault makes of the headers.
func Part(fault func(header http.Header, from, to, total int) []byte) Handler {
	return func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		from, to, ok := Asked(r, content)
		if !ok {
			Honest(w, r, n, content)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
		body := fault(w.Header(), from, to, len(content))
		if body == nil {
			body = content[from:to]
		}
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
	}
}

// Says answers a range with a Content-Range that fault makes up.
func Says(fault func(from, to, total int) []string) Handler {
	return Part(func(header http.Header, from, to, total int) []byte {
		header["Content-Range"] = fault(from, to, total)
		return nil
	})
}

// First gives the first n answers with one handler and the others honestly.
func First(n int64, h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request, number int64, content []byte) {
		if number <= n {
			h(w, r, number, content)
			return
		}
		Honest(w, r, number, content)
	}
}

// Status refuses, with headers.
func Status(code int, headers ...string) Handler {
	return func(w http.ResponseWriter, _ *http.Request, _ int64, _ []byte) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// WithoutRanges always sends all.
func WithoutRanges(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
	r.Header.Del("Range")
	Honest(w, r, n, content)
}

// Altered changes a bit before the middle, in the first range that is asked
// for: what is in front of it, more than a quarter, comes in any case.
func Altered(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
	content = bytes.Clone(content)
	content[len(content)*7/16] ^= 1
	Honest(w, r, n, content)
}

// Cut has lost the second half.
func Cut(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
	Honest(w, r, n, content[:len(content)/2])
}

// Closed closes every connection without an answer.
func Closed(http.ResponseWriter, *http.Request, int64, []byte) { panic(http.ErrAbortHandler) }

// Guests shows a page to log in, instead of everything.
func Guests(w http.ResponseWriter, _ *http.Request, _ int64, _ []byte) {
	_, _ = w.Write([]byte("please log in"))
}

// Circle redirects to itself.
func Circle(w http.ResponseWriter, r *http.Request, _ int64, _ []byte) {
	http.Redirect(w, r, r.URL.Path, http.StatusFound)
}

// Endless never stops and says no length.
func Endless(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
	from, to, ok := Asked(r, content)
	if ok {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, err := w.Write(content[from:to])
	for err == nil && r.Context().Err() == nil {
		_, err = w.Write(make([]byte, 64<<10))
	}
}

// Silent says what it will send and then sends nothing.
func Silent(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
	from, to, _ := Asked(r, content)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	w.WriteHeader(http.StatusPartialContent)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}
