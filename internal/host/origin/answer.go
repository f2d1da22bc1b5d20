package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// answer is a server's answer whose body says how it failed.
type answer struct {
	*http.Response
	url, host, proxy string
	status           int
	start            time.Time
	bytes            int64
	watch            *watch
}

func (r *answer) Read(p []byte) (int, error) {
	r.watch.begin()
	n, err := r.Body.Read(p)
	r.watch.pause()
	r.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, r.failed(r.watch.cause(err))
	}
	return n, err
}

// paced reads an answer as long as patience allows.
type paced struct {
	*answer
	patience Patience
	start    time.Time
}

func (p paced) Read(buffer []byte) (int, error) {
	n, err := p.answer.Read(buffer)
	if err == nil && !p.patience.allows(time.Since(p.start), p.bytes) {
		err = p.failed(errSlow)
	}
	return n, err
}

// plain returns an error unless the answer is a whole file as it is.
func (r *answer) plain() error {
	if r.status != http.StatusOK {
		return &StatusError{URL: r.url, Code: r.status, Proxy: r.proxy}
	}
	if encoding := r.encoding(); encoding != "" {
		return &EncodedError{URL: r.url, Encoding: encoding, Proxy: r.proxy}
	}
	return nil
}

// isPage tells whether the answer, with this content, is a web page. No file that
// is fetched is one.
func (r *answer) isPage(content []byte) bool {
	return strings.Contains(r.Header.Get("Content-Type"), "html") && bytes.HasPrefix(bytes.TrimSpace(content), []byte("<"))
}

// encoding returns what the server did to the body, or nothing.
func (r *answer) encoding() string {
	if encoding := r.Header.Get("Content-Encoding"); !strings.EqualFold(encoding, "identity") {
		return encoding
	}
	return ""
}

// Close ends the request; what is left of the body is not fetched.
func (r *answer) Close() error {
	r.watch.end()
	if r.Response == nil {
		return nil
	}
	return r.Body.Close()
}

func (r *answer) failed(err error) *TransportError {
	return &TransportError{URL: r.url, Host: r.host, After: time.Since(r.start), Bytes: r.bytes, Proxy: r.proxy, Reached: r.Response != nil || errors.Is(err, address.ErrLoop), Err: err}
}

// watch ends a request when the server is silent for too long while somebody
// waits for it.
type watch struct {
	idle   time.Duration
	cancel context.CancelFunc
	timer  *time.Timer
	silent atomic.Bool
}

func newWatch(ctx context.Context, idle time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{idle: idle, cancel: cancel}
	w.timer = time.AfterFunc(idle, func() {
		w.silent.Store(true)
		cancel()
	})
	w.pause()
	return ctx, w
}

func (w *watch) begin() { w.timer.Reset(w.idle) }

func (w *watch) pause() { w.timer.Stop() }

func (w *watch) end() {
	w.pause()
	w.cancel()
}

// errSilent is not the cancellation that it caused.
var errSilent = errors.New("the server is silent")

// cause returns why a request failed with err.
func (w *watch) cause(err error) error {
	if w.silent.Load() {
		return fmt.Errorf("%w for %s", errSilent, w.idle)
	}
	return err
}
