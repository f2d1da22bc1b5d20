// Package leave waits for what cannot be stopped, and leaves it alone when nobody wants
// its result any more.
package leave

import (
	"context"
	"time"
)

// Behind returns what f returns. If ctx is done first, f has a grace to end by itself;
// then the error is the context's cause, and f goes on with nobody who waits for it. So f
// must not write to what its caller reads.
func Behind[T any](ctx context.Context, grace time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := f()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-results:
		return r.value, r.err
	case <-time.After(grace):
		var none T
		return none, context.Cause(ctx)
	}
}
