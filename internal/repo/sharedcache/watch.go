package sharedcache

import (
	"context"
	"time"

	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// step is how many bytes must come or go while patience lasts.
const step = 1 << 20

// watcher ends a transfer that does not move, and reports one that does.
type watcher struct {
	c           *Cache
	entry       entry
	seen, total int64
	timer       *time.Timer
	cancel      context.CancelCauseFunc
}

// watch returns a context that ends with errSlow when too little moves. The
// watcher must be stopped.
func (c *Cache) watch(ctx context.Context, e entry, total int64) (context.Context, *watcher) {
	watched, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.patience, func() { cancel(errSlow) })
	return watched, &watcher{c: c, entry: e, total: total, timer: timer, cancel: cancel}
}

// moved takes how many bytes of all have come or gone.
func (w *watcher) moved(done int64) {
	if done-w.seen < step {
		return
	}
	w.seen = done
	w.timer.Reset(w.c.patience)
	if w.entry.phase != "" {
		w.c.sink.Emit(event.Event{Type: event.Progress, Phase: w.entry.phase, Done: min(done, w.total), Total: w.total, Unit: event.Bytes})
	}
}

func (w *watcher) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
