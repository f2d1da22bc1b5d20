package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Wait waits until a machine that another process keeps is up and serves AmiGO
// now: a page and a search. It returns the machine as it is then. timeout 0 is
// what fits its accelerator. A machine that is late gives a [*LateError].
func Wait(ctx context.Context, store imagestore.Store, m imagestore.Machine, timeout time.Duration, sink event.Sink) (imagestore.Machine, error) {
	timeout = Settings{Timeout: timeout}.patience(qemu.Accelerator(m.Accelerator))
	watching, stop := context.WithCancel(ctx)
	defer stop()
	phase := event.Start(sink, PhaseAmiGO, "until a page and a search answer")
	client := serving.Client(min(timeout/2, askAgain))
	err := serving.Await(ctx, watch(watching, store, m), timeout, func(ctx context.Context) error {
		at, err := store.Machine(ctx, m.Name)
		if err != nil {
			return &serving.PageError{Err: err} // nobody has seen the page
		}
		m = at
		if m.URL == "" {
			return &serving.PageError{Err: errors.New("it is being switched on")}
		}
		if err := probe(ctx, phase, client, m); err != nil {
			return err
		}
		if m.State != imagestore.Running {
			return fmt.Errorf("it is %s yet", m.State)
		}
		return nil
	})
	if err = phase.End(event.OK, "start page and a search answer", err); err == nil {
		return m, nil
	}
	var late *serving.TimeoutError
	if errors.As(err, &late) {
		return m, newLateError(at(PhaseAmiGO, m), m, late)
	}
	return m, err
}

// watched is a machine that another process keeps.
type watched struct {
	name string
	gone chan struct{}
}

func watch(ctx context.Context, store imagestore.Store, m imagestore.Machine) watched {
	w := watched{name: m.Name, gone: make(chan struct{})}
	go func() {
		if store.AwaitOff(ctx, m) == nil {
			close(w.gone)
		}
	}()
	return w
}

func (w watched) Exited() <-chan struct{} { return w.gone }

func (w watched) Err() error { return fmt.Errorf("%s has ended", w.name) }
