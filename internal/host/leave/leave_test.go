package leave

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestBehind(t *testing.T) {
	broken, enough := errors.New("broken"), errors.New("enough")
	if got, err := Behind(t.Context(), 0, func() (int, error) { return 7, broken }); got != 7 || !errors.Is(err, broken) {
		t.Errorf("%d, %v", got, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if got, err := Behind(ctx, time.Minute, func() (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("with a grace: %d, %v", got, err)
	}
	held := make(chan struct{})
	defer close(held)
	got, err := Behind(ctx, 0, func() (int, error) { <-held; return 7, nil })
	if got != 0 || !errors.Is(err, enough) {
		t.Errorf("without one: %d, %v", got, err)
	}
}
