package pull

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
)

// asked returns the part that a request asks for; ok is false if it asks for
// all.
func asked(r *http.Request, content []byte) (from, to int, ok bool) {
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil {
		return 0, len(content), false
	}
	return from, to + 1, true
}

// part answers with a part, saying what fault makes of the headers.
func part(fault func(header http.Header, from, to, total int) []byte) handler {
	return func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
		from, to, ok := asked(r, content)
		if !ok {
			honest(w, r, n, content)
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

// says answers a range with a Content-Range that fault makes up.
func says(fault func(from, to, total int) []string) handler {
	return part(func(header http.Header, from, to, total int) []byte {
		header["Content-Range"] = fault(from, to, total)
		return nil
	})
}

// first gives the first n answers with one handler and the others honestly.
func first(n int64, faulty handler) handler {
	return func(w http.ResponseWriter, r *http.Request, number int64, content []byte) {
		if number <= n {
			faulty(w, r, number, content)
			return
		}
		honest(w, r, number, content)
	}
}

func status(code int, headers ...string) handler {
	return func(w http.ResponseWriter, _ *http.Request, _ int64, _ []byte) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// withoutRanges is a server that always sends all.
func withoutRanges(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
	r.Header.Del("Range")
	honest(w, r, n, content)
}

func altered(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
	content = bytes.Clone(content)
	content[len(content)/2] ^= 1
	honest(w, r, n, content)
}

// endless never stops and says no length.
func endless(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
	from, to, ok := asked(r, content)
	if ok {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, err := w.Write(content[from:to])
	for err == nil && r.Context().Err() == nil {
		_, err = w.Write(make([]byte, 64<<10))
	}
}

// silent sends a part of what it should and then nothing.
func silent(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
	from, to, _ := asked(r, content)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	w.WriteHeader(http.StatusPartialContent)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// TestFaultsThatAreSurvived pulls from servers that misbehave, and gets the
// disk all the same.
func TestFaultsThatAreSurvived(t *testing.T) {
	old, i := oldImage(t), newestImage(t)
	other := serve(t, i.frames, honest)
	for name, h := range map[string]handler{
		"no ranges": withoutRanges,
		"no ranges every third time": func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			if n%3 == 0 {
				r.Header.Del("Range")
			}
			honest(w, r, n, content)
		},
		"200 with a Content-Range": func(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
			from, to, ok := asked(r, content)
			if ok {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
			}
			_, _ = w.Write(content[from:to])
		},
		"shifted": says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from&^4095, to-1, total)}
		}),
		"too long": says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from, to, total)}
		}),
		"another total": says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, total+1)}
		}),
		"two Content-Ranges": says(func(from, to, total int) []string {
			return slices.Repeat([]string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, total)}, 2)
		}),
		"no Content-Range": says(func(int, int, int) []string { return nil }),
		"gzip": part(func(header http.Header, _, _, _ int) []byte {
			header.Set("Content-Encoding", "gzip")
			return nil
		}),
		"short body": func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			part(func(_ http.Header, from, to, _ int) []byte { return content[from : (from+to+1)/2] })(w, r, n, content)
		},
		"5xx for a while": first(7, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			codes := []int{500, 502, 503, 504, 429, 408, 520}
			status(codes[n-1], "Retry-After", cmp.Or(map[bool]string{true: "Wed, 21 Oct 2015 07:28:00 GMT"}[n%2 == 0], "3600"))(w, r, n, content)
		}),
		"redirects": func(w http.ResponseWriter, r *http.Request, _ int64, _ []byte) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		},
		"altered for a while": first(2, altered),
		"endless":             endless,
		"connection closed":   first(5, func(http.ResponseWriter, *http.Request, int64, []byte) { panic(http.ErrAbortHandler) }),
		"silent for a while":  first(2, silent),
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			s := serve(t, i.frames, h)
			if strings.Contains(name, "silent") {
				s.patience.Idle = 2 * time.Second
			}
			if _, err := assemble(t.Context(), t, i, s, path, old.seed(t)); err != nil {
				t.Fatal(err)
			}
			i.is(t, path)
		})
	}
}

// TestConnectionsThatBreak breaks each connection at the next border of a
// frame, or in the middle of each frame.
func TestConnectionsThatBreak(t *testing.T) {
	i := newestImage(t)
	for name, shift := range map[string]int64{"at a border": 0, "in the middle": 500} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, i.frames, func(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
				from, to, _ := asked(r, content)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
				w.Header().Set("Content-Length", strconv.Itoa(to-from))
				w.WriteHeader(http.StatusPartialContent)
				end := min(to, next(i.index, int64(from), shift))
				_, _ = w.Write(content[from:end])
				_ = http.NewResponseController(w).Flush()
				if end < to {
					panic(http.ErrAbortHandler)
				}
			})
			path := target(t)
			result, err := assemble(t.Context(), t, i, s, path)
			if err != nil {
				t.Fatal(err)
			}
			i.is(t, path)
			if want := Make(i.index).Fetch; result.Fetched != want {
				t.Errorf("%d bytes for %d", result.Fetched, want)
			}
			if s.requests.Load() < 100 {
				t.Errorf("only %d requests", s.requests.Load())
			}
		})
	}
}

// next returns the first border of a frame behind from, or shift behind it.
func next(index chunk.Index, from, shift int64) int {
	for _, place := range index.Places() {
		if place.Frame+shift > from {
			return int(place.Frame + shift)
		}
	}
	return int(index.Frames.Size)
}

// TestFaultsThatEndAPull pulls from servers that cannot be helped: what is
// good is kept, and nothing gets the final name.
func TestFaultsThatEndAPull(t *testing.T) {
	i := newestImage(t)
	bombed := withBomb(t, i)
	for name, c := range map[string]struct {
		image image
		h     handler
		check func(error) bool
		kept  bool
	}{
		"gone":            {i, status(404), func(err error) bool { return errors.Is(err, fs.ErrNotExist) }, false},
		"forbidden":       {i, status(403), as[*origin.StatusError], false},
		"416":             {i, status(416), as[*origin.StatusError], false},
		"5xx for ever":    {i, status(503), as[*origin.StatusError], false},
		"silent for ever": {i, silent, as[*origin.TransportError], false},
		"altered":         {i, altered, content, true},
		"bomb":            {bombed, honest, content, true},
		"another file": {i, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			honest(w, r, n, content[:len(content)-1])
		}, as[*origin.SizeError], false},
		"a page for guests": {i, func(w http.ResponseWriter, _ *http.Request, _ int64, _ []byte) {
			_, _ = w.Write([]byte("please log in"))
		}, as[*origin.SizeError], false},
		"redirects for ever": {i, func(w http.ResponseWriter, r *http.Request, _ int64, _ []byte) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, as[*origin.TransportError], false},
		"altered, without ranges": {i, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			r.Header.Del("Range")
			altered(w, r, n, content)
		}, content, true},
		"cut, without ranges": {i, func(w http.ResponseWriter, _ *http.Request, _ int64, content []byte) {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = w.Write(content[:len(content)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, as[*origin.NoRangesError], true},
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			s := serve(t, c.image.frames, c.h)
			if strings.Contains(name, "for ever") {
				s.patience = hasty
			}
			_, err := assemble(t.Context(), t, c.image, s, path)
			if err == nil || !c.check(err) {
				t.Fatalf("got %T: %v", err, err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
			absent(t, path)
			result, err := assemble(t.Context(), t, i, serve(t, i.frames, honest), path)
			if err != nil {
				t.Fatal(err)
			}
			if (result.Kept > int64(len(i.frames)/4)) != c.kept {
				t.Errorf("%d bytes were kept", result.Kept)
			}
			i.is(t, path)
		})
	}
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func content(err error) bool { return errors.Is(err, chunk.ErrContent) && as[*ChunkError](err) }

// withBomb puts a frame of a gigabyte of zeros in the place of a chunk's.
func withBomb(t *testing.T, i image) image {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 1<<30), nil)
	n := len(i.index.Chunks) - 10
	at := i.index.Places()[n].Frame
	old := int64(i.index.Chunks[n].Frame)
	i.frames = slices.Concat(i.frames[:at], bomb, i.frames[at+old:])
	i.index.Chunks = slices.Clone(i.index.Chunks)
	i.index.Chunks[n].Frame = uint32(len(bomb))
	i.index.Frames.Size = int64(len(i.frames))
	return i
}
