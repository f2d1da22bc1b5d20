package pull

import (
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

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/faulty"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/chunk"
)

// TestFaultsThatAreSurvived pulls from servers that misbehave, and gets the
// disk all the same.
func TestFaultsThatAreSurvived(t *testing.T) {
	old, i := oldImage(t), newestImage(t)
	other := serve(t, i.frames, faulty.Honest)
	for name, h := range map[string]faulty.Handler{
		"no ranges": faulty.WithoutRanges,
		"no ranges every third time": func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			if n%3 == 0 {
				r.Header.Del("Range")
			}
			faulty.Honest(w, r, n, content)
		},
		"200 with a Content-Range": func(w http.ResponseWriter, r *http.Request, _ int64, content []byte) {
			from, to, ok := faulty.Asked(r, content)
			if ok {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
			}
			_, _ = w.Write(content[from:to])
		},
		"shifted": faulty.Says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from&^4095, to-1, total)}
		}),
		"too long": faulty.Says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from, to, total)}
		}),
		"another total": faulty.Says(func(from, to, total int) []string {
			return []string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, total+1)}
		}),
		"two Content-Ranges": faulty.Says(func(from, to, total int) []string {
			return slices.Repeat([]string{fmt.Sprintf("bytes %d-%d/%d", from, to-1, total)}, 2)
		}),
		"no Content-Range": faulty.Says(func(int, int, int) []string { return nil }),
		"gzip": faulty.Part(func(header http.Header, _, _, _ int) []byte {
			header.Set("Content-Encoding", "gzip")
			return nil
		}),
		"short body": func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			faulty.Part(func(_ http.Header, from, to, _ int) []byte { return content[from : (from+to+1)/2] })(w, r, n, content)
		},
		"5xx for a while": faulty.First(7, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			codes := []int{500, 502, 503, 504, 429, 408, 520}
			faulty.Status(codes[n-1], "Retry-After", cmp.Or(map[bool]string{true: "Wed, 21 Oct 2015 07:28:00 GMT"}[n%2 == 0], "3600"))(w, r, n, content)
		}),
		"redirects": func(w http.ResponseWriter, r *http.Request, _ int64, _ []byte) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		},
		"altered for a while": faulty.First(2, faulty.Altered),
		"endless":             faulty.Endless,
		"connection closed":   faulty.First(5, faulty.Closed),
		"silent for a while":  faulty.First(2, faulty.Silent),
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
				from, to, _ := faulty.Asked(r, content)
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
			if want := plan(t, i.index).Fetch; result.Fetched != want {
				t.Errorf("%d bytes for %d", result.Fetched, want)
			}
			if s.requests.Load() < 100 {
				t.Errorf("only %d requests", s.requests.Load())
			}
		})
	}
}

// next returns the first border of a frame behind from, or shift behind it.
func next(index *chunk.Index, from, shift int64) int {
	for e, err := range index.All() {
		if err == nil && e.FrameOffset+shift > from {
			return int(e.FrameOffset + shift)
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
		h     faulty.Handler
		check func(error) bool
		kept  bool
	}{
		"gone":            {i, faulty.Status(404), func(err error) bool { return errors.Is(err, fs.ErrNotExist) }, false},
		"forbidden":       {i, faulty.Status(403), as[*origin.StatusError], false},
		"416":             {i, faulty.Status(416), as[*origin.StatusError], false},
		"5xx for ever":    {i, faulty.Status(503), as[*origin.StatusError], false},
		"silent for ever": {i, faulty.Silent, as[*origin.TransportError], false},
		"altered":         {i, faulty.Altered, content, true},
		"bomb":            {bombed, faulty.Honest, content, true},
		"another file": {i, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			faulty.Honest(w, r, n, content[:len(content)-1])
		}, as[*origin.SizeError], false},
		"a page for guests":  {i, faulty.Guests, as[*origin.SizeError], false},
		"redirects for ever": {i, faulty.Circle, as[*origin.TransportError], false},
		"altered, without ranges": {i, func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			r.Header.Del("Range")
			faulty.Altered(w, r, n, content)
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
			result, err := assemble(t.Context(), t, i, serve(t, i.frames, faulty.Honest), path)
			if err != nil {
				t.Fatal(err)
			}
			if kept := result.Kept > int64(len(i.frames)/4); kept != c.kept {
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
	changed := i.index.Chunks - 10
	out := empty(t)
	w, err := chunk.NewIndexWriter(out, i.index.Frames.Name)
	if err != nil {
		t.Fatal(err)
	}
	frames := i.index.Frames
	for e, err := range i.index.All() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Number == changed {
			i.frames = slices.Concat(i.frames[:e.FrameOffset], bomb, i.frames[e.End():])
			e.Frame = uint32(len(bomb))
		}
		if err := w.Add(e.Chunk); err != nil {
			t.Fatal(err)
		}
	}
	frames.Size = int64(len(i.frames))
	if err := w.Finish(i.index.Disk, frames); err != nil {
		t.Fatal(err)
	}
	if i.index, err = chunk.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	return i
}
