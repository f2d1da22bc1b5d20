package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/event"
	"github.com/geneontology/packer-plugin-amigo/internal/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/seed"
	"github.com/geneontology/packer-plugin-amigo/internal/serving"
)

// Phases of a machine's life.
const (
	PhaseAccelerator = "accelerator"
	PhaseBoot        = "boot"
	PhaseAmiGO       = "AmiGO"
	PhaseShutdown    = "shutdown"
)

// NotUpError says that a machine did not come to serve AmiGO.
type NotUpError struct {
	Phase   string // that it did not get through
	Line    string // the last on its console
	Console string // file
	Err     error
}

func (e *NotUpError) Error() string {
	return fmt.Sprintf("the machine did not get through %s: %v (last line on its console: %q; all: %s)", e.Phase, e.Err, e.Line, e.Console)
}

func (e *NotUpError) Unwrap() error { return e.Err }

// run is one machine's life.
type run struct {
	held     *imagestore.Held
	settings Settings
	sink     event.Sink
	choice   accelerator.Choice
	waits    waits
	key      *guest.Key
	vm       *qemu.VM
	search   string // what the image says can be searched for
}

// Run starts the machine, calls ready when a page and a search were answered,
// and returns when it is off: because it shut down by itself, or because ctx
// was done and it was told to. What Run returns then is nil. The machine dies
// with this process.
func Run(ctx context.Context, held *imagestore.Held, s Settings, c cache.Dir, sink event.Sink, ready func(imagestore.Machine)) error {
	r := &run{held: held, settings: s, sink: sink}
	if err := r.prepare(ctx, c); err != nil {
		return err
	}
	var err error
	// The machine outlives ctx: it is to shut down, not to be killed.
	if r.vm, err = qemu.Start(context.WithoutCancel(ctx), options(held.Machine, s, r.choice.Accelerator, r.key.AuthorizedKey)); err != nil {
		return err
	}
	defer r.vm.Close()
	if err := r.come(ctx); err != nil {
		return err
	}
	if err := r.note(imagestore.Running); err != nil {
		return err
	}
	ready(held.Machine)
	select {
	case <-r.vm.Exited():
		return nil
	case <-ctx.Done():
		return r.shutDown(ctx)
	}
}

// prepare makes what the machine needs to be switched on.
func (r *run) prepare(ctx context.Context, c cache.Dir) (err error) {
	phase := event.Start(r.sink, PhaseAccelerator, "")
	r.choice, err = accelerator.Choose(ctx, []qemu.Accelerator{qemu.KVM, qemu.TCG}, "qemu-system-x86_64", c)
	if err := phase.End(status(r.choice.Cached), r.choice.String(), err); err != nil {
		return err
	}
	r.waits = r.settings.waits(r.choice.Accelerator)
	m := r.held.Machine
	if r.key, err = ownKey(m); err != nil {
		return err
	}
	if m.Variant == Production {
		s := seed.Seed{Instance: m.ID, Host: "amigo", AuthorizedKeys: r.settings.Keys}
		if err := s.Write(ctx, m.Path(imagestore.SeedFile)); err != nil {
			return err
		}
	}
	return overlay(ctx, m)
}

func status(cached bool) event.Status {
	if cached {
		return event.Cached
	}
	return event.OK
}

// overlay makes the machine's disk, unless it was kept.
func overlay(ctx context.Context, m imagestore.Machine) error {
	path := m.Path(imagestore.OverlayFile)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	partial := path + ".partial"
	if err := qemuimg.Overlay(ctx, m.Backing, m.BackingFormat, partial); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("making the machine's disk: %w", err)
	}
	return nil
}

// come waits until the machine serves AmiGO.
func (r *run) come(ctx context.Context) error {
	for _, part := range []struct {
		phase, text string
		wait        func(context.Context, *event.Phase) (string, error)
	}{
		{PhaseBoot, "until the machine answers ssh", r.boot},
		{PhaseAmiGO, "until a page and a search answer", r.serve},
	} {
		phase := event.Start(r.sink, part.phase, part.text)
		text, err := part.wait(ctx, phase)
		if err := phase.End(event.OK, text, err); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &NotUpError{Phase: part.phase, Line: LastLine(r.settings.Console), Console: r.settings.Console, Err: err}
		}
	}
	return nil
}

// boot waits for ssh. A machine that does not take our key may serve all the
// same.
func (r *run) boot(ctx context.Context, phase *event.Phase) (string, error) {
	g, err := guest.Dial(ctx, r.vm.Addr(sshPort), "root", r.key, r.waits.up, r.vm)
	var silent *guest.TimeoutError
	if errors.As(err, &silent) {
		phase.Detail(silent.Error())
		r.sink.Emit(event.Event{Type: event.Warning, Phase: PhaseBoot, Text: "no ssh within " + r.waits.up.String() + ", whether AmiGO answers is seen now"})
		return "no ssh", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = g.Close() }()
	answer, err := g.Output(ctx, introduction)
	if err != nil {
		return "", err
	}
	phase.Detail(answer)
	i, err := parseIntroduction(answer)
	if err != nil {
		return "", err
	}
	r.search = i.search
	r.held.User, r.held.HostKey = i.user(r.held.Variant), i.fingerprint
	// From here on one can log in.
	return "kernel, network, ssh", errors.Join(i.writeKnownHosts(r.held.Machine), r.note(imagestore.Starting))
}

// serve waits for AmiGO.
func (r *run) serve(ctx context.Context, phase *event.Phase) (string, error) {
	client := serving.Client(r.waits.up / 2)
	base := "http://" + r.vm.Addr(webPort)
	err := serving.Await(ctx, r.vm, r.waits.up, func(ctx context.Context) error {
		found, err := serving.Probe(ctx, client, base, r.search)
		if err == nil {
			phase.Detail(found)
		} else {
			phase.Detail(err.Error())
		}
		return err
	})
	return "start page and a search answer", err
}

// note writes down what the machine does.
func (r *run) note(state imagestore.State) error {
	h := r.held
	h.State, h.PID = state, os.Getpid()
	h.Port, h.SSHPort = port(r.vm.Addr(webPort)), port(r.vm.Addr(sshPort))
	h.URL = "http://" + r.vm.Addr(webPort) + serving.Page
	return h.Save()
}

func port(address string) int {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text)
	return n
}

// shutDown presses the power button, and pulls the plug of a machine that does
// not mind.
func (r *run) shutDown(ctx context.Context) error {
	if err := r.note(imagestore.Stopping); err != nil {
		return err
	}
	phase := event.Start(r.sink, PhaseShutdown, "")
	start := time.Now()
	if err := r.vm.PowerDown(context.WithoutCancel(ctx), r.waits.down); err != nil {
		r.sink.Emit(event.Event{Type: event.Warning, Phase: PhaseShutdown, Text: err.Error()})
		return phase.End(event.OK, "switched off after "+time.Since(start).Round(time.Second).String(), nil)
	}
	return phase.End(event.OK, "clean", nil)
}
