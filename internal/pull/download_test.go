package pull

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/chunk"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/origin"
)

// got returns the image's frames as a plain file pulled to path.
func (i image) download(t *testing.T, s *server, path string) (Result, error) {
	t.Helper()
	return Download(t.Context(), open(t, s.URL, s.patience), framesPath, i.reference(), path, event.Discard)
}

func (i image) downloaded(t *testing.T, path string) {
	t.Helper()
	image{disk: i.frames}.is(t, path)
}

func TestDownload(t *testing.T) {
	i := newestImage(t)
	for name, h := range map[string]handler{
		"honest":        honest,
		"no ranges":     withoutRanges,
		"5xx":           first(3, status(503)),
		"altered once":  first(1, altered),
		"breaks, often": breaking(1 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			s := serve(t, i.frames, h)
			if _, err := i.download(t, s, path); err != nil {
				t.Fatal(err)
			}
			i.downloaded(t, path)
			if result, err := i.download(t, s, path); err != nil || !result.Present {
				t.Errorf("once more: %+v, %v", result, err)
			}
		})
	}
}

// breaking sends at most n bytes at once.
func breaking(n int) handler {
	return func(w http.ResponseWriter, r *http.Request, number int64, content []byte) {
		from, to, ok := asked(r, content)
		if ok && to-from <= n {
			honest(w, r, number, content)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(to-from))
		if ok {
			w.Header().Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(to-1)+"/"+strconv.Itoa(len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(content[from : from+n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestDownloadGoesOn(t *testing.T) {
	i := newestImage(t)
	half := len(i.frames) / 2
	for name, c := range map[string]struct {
		partial []byte
		h       handler
		kept    int64
	}{
		"good":          {i.frames[:half], honest, int64(half)},
		"whole":         {i.frames, honest, int64(len(i.frames))},
		"bad":           {noise(7, half), honest, 0},
		"too long":      {noise(7, len(i.frames)+1), honest, 0},
		"without range": {i.frames[:half], withoutRanges, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			if err := os.WriteFile(stem(path, i.reference().SHA256)+PartialSuffix, c.partial, 0o644); err != nil {
				t.Fatal(err)
			}
			result, err := i.download(t, serve(t, i.frames, c.h), path)
			if err != nil {
				t.Fatal(err)
			}
			i.downloaded(t, path)
			if result.Kept != c.kept {
				t.Errorf("%d bytes were kept, not %d", result.Kept, c.kept)
			}
		})
	}
}

func TestDownloadFails(t *testing.T) {
	i := newestImage(t)
	for name, c := range map[string]struct {
		h     handler
		check func(error) bool
	}{
		"altered": {altered, func(err error) bool { return errors.Is(err, chunk.ErrContent) && as[*DigestError](err) }},
		"endless": {endless, as[*origin.SizeError]},
		"shorter": {func(w http.ResponseWriter, r *http.Request, n int64, content []byte) {
			honest(w, r, n, bytes.Clone(content)[:100])
		}, as[*origin.SizeError]},
		"silent": {silent, as[*origin.StatusError]},
		"gone":   {status(410), func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
	} {
		t.Run(name, func(t *testing.T) {
			path := target(t)
			if _, err := i.download(t, serve(t, i.frames, c.h), path); err == nil || !c.check(err) {
				t.Errorf("got %T: %v", err, err)
			}
			absent(t, path)
		})
	}
}
