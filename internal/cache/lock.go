package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// lock takes an exclusive lock on path, waiting as long as ctx allows. The
// kernel frees it when its holder dies, so there are no stale locks.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	l := flock.New(path)
	if _, err := l.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("waiting for another build to finish with %s: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}
