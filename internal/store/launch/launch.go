package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/image/serving"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/seed"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Phases of a machine's life.
const (
	PhaseAccelerator = "accelerator"
	PhaseBoot        = "boot"
	PhaseAmiGO       = "AmiGO"
	PhaseJournals    = "journals"
	PhaseShutdown    = "shutdown"
)

// Bounds of one attempt, after which there is another: QEMU takes a connection
// before the guest does, which may then hear of it never.
const (
	askAgain  = 2 * time.Minute  // for AmiGO
	dialAgain = 20 * time.Second // for ssh, of a machine that is late
)

// run is one machine's life.
type run struct {
	held     *imagestore.Held
	settings Settings
	sink     event.Sink
	choice   accelerator.Choice
	patience time.Duration // for each wait
	key      *guest.Key
	vm       *machine.Machine
}

// Told is called with what becomes of a machine.
type Told struct {
	// Ready: a page and a search were answered.
	Ready func(imagestore.Machine)
	// Late: they were not in time. The machine stays on and is still waited
	// for, so Ready may follow.
	Late func(imagestore.Machine, *LateError)
}

// Run starts the machine, tells when it serves AmiGO, and returns when it is
// off: because it shut down by itself, or because ctx was done and it was told
// to. What Run returns then is nil, or the cause of ctx if AmiGO never
// answered. The machine dies with this process.
func Run(ctx context.Context, held *imagestore.Held, s Settings, c cache.Dir, sink event.Sink, told Told) error {
	r := &run{held: held, settings: s, sink: sink}
	if err := r.prepare(ctx, c); err != nil {
		return err
	}
	var err error
	// The machine outlives ctx: it is to shut down, not to be killed.
	if r.vm, err = machine.Start(context.WithoutCancel(ctx), options(held.Machine, s, r.choice.Accelerator), r.key); err != nil {
		return err
	}
	defer r.vm.Close()
	if err := r.note(imagestore.Starting); err != nil {
		return err
	}
	err = r.waitUntilServing(ctx)
	var late *LateError
	if errors.As(err, &late) {
		err = r.keepDegraded(ctx, late, told)
	}
	if err != nil {
		return err
	}
	if err := r.note(imagestore.Running); err != nil {
		return err
	}
	told.Ready(held.Machine)
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
	variant, a := layout.SplitVariant(r.held.Variant)
	r.choice, err = accelerator.Choose(ctx, []qemu.Accelerator{qemu.KVM, qemu.TCG}, a, "", c)
	if err := phase.End(status(r.choice.Cached), r.choice.String(), err); err != nil {
		return err
	}
	r.patience = r.settings.patience(r.choice.Accelerator)
	r.held.Accelerator, r.held.Boot, r.held.AmiGO = string(r.choice.Accelerator), 0, 0
	m := r.held.Machine
	if r.key, err = ownKey(m); err != nil {
		return err
	}
	if variant == Production {
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
	if _, err := qemuimg.Inspect(ctx, m.Backing, m.BackingFormat); err != nil {
		return err
	}
	if m.Data != "" {
		if _, err := qemuimg.Inspect(ctx, m.Data, m.DataFormat); err != nil {
			return err
		}
	}
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

// waitUntilServing waits until the machine serves AmiGO.
func (r *run) waitUntilServing(ctx context.Context) error {
	took, err := r.runPhase(ctx, PhaseBoot, "until the machine answers ssh", r.boot)
	if err != nil {
		return err
	}
	if r.held.TakesSSH() {
		r.held.Boot = took
	}
	return r.serve(ctx, r.patience)
}

// runPhase goes through a phase and tells how many seconds it took.
func (r *run) runPhase(ctx context.Context, name, text string, wait func(context.Context, *event.Phase) (string, error)) (float64, error) {
	phase, start := event.Start(r.sink, name, text), time.Now()
	done, err := wait(ctx, phase)
	if err := phase.End(event.OK, done, err); err == nil {
		return time.Since(start).Round(100 * time.Millisecond).Seconds(), nil
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	where := at(name, r.held.Machine)
	var late *serving.TimeoutError
	if errors.As(err, &late) {
		return 0, newLateError(where, r.held.Machine, late)
	}
	return 0, &NotUpError{place: where, Err: err}
}

// boot waits for ssh. A machine that does not take our key may serve all the
// same.
func (r *run) boot(ctx context.Context, phase *event.Phase) (string, error) {
	err := r.introduce(ctx, phase, r.patience)
	var silent *guest.TimeoutError
	if errors.As(err, &silent) {
		phase.Detail(silent.Error())
		r.sink.Emit(event.Event{Type: event.Warning, Phase: PhaseBoot, Text: "no ssh within " + r.patience.String() + ", whether AmiGO answers is seen now"})
		return "no ssh", nil
	}
	return "kernel, network, ssh", err
}

// introduce asks the machine who it is. From then on one can log in.
func (r *run) introduce(ctx context.Context, phase *event.Phase, timeout time.Duration) error {
	r.vm.Limits.SSH = timeout
	g, err := r.vm.Login(ctx, "root")
	if err != nil {
		return err
	}
	defer func() { _ = g.Close() }()
	answer, err := g.Output(ctx, introduction)
	if err != nil {
		return err
	}
	phase.Detail(answer)
	i, err := parseIntroduction(answer)
	if err != nil {
		return err
	}
	r.held.Search, r.held.User, r.held.HostKey = i.search, i.user(r.held.Variant), i.fingerprint
	return errors.Join(i.writeKnownHosts(r.held.Machine), writeSSHConfig(r.held.Machine), r.note(r.held.State))
}

// serve waits for AmiGO.
func (r *run) serve(ctx context.Context, timeout time.Duration) (err error) {
	client := serving.Client(min(timeout/2, askAgain))
	r.held.AmiGO, err = r.runPhase(ctx, PhaseAmiGO, "until a page and a search answer", func(ctx context.Context, phase *event.Phase) (string, error) {
		err := serving.Await(ctx, r.vm, timeout, func(ctx context.Context) error {
			if r.held.State == imagestore.Degraded && !r.held.TakesSSH() {
				if err := r.introduce(ctx, phase, dialAgain); err != nil {
					phase.Detail(err.Error())
				}
			}
			return probe(ctx, phase, client, r.held.Machine)
		})
		return "start page and a search answer", err
	})
	return err
}

// probe looks at AmiGO once, and tells the log.
func probe(ctx context.Context, phase *event.Phase, client *http.Client, m imagestore.Machine) error {
	found, err := serving.Probe(ctx, client, strings.TrimSuffix(m.URL, serving.Page), m.Search)
	if err != nil {
		found = err.Error()
	}
	phase.Detail(found)
	return err
}

// keepDegraded keeps a machine on that is late, and goes on looking at it.
func (r *run) keepDegraded(ctx context.Context, late *LateError, told Told) error {
	if err := r.note(imagestore.Degraded); err != nil {
		return err
	}
	if late.SSH {
		late.Journals, late.Died = r.keepJournals(ctx)
	}
	told.Late(r.held.Machine, late)
	err := r.serve(ctx, math.MaxInt64)
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), r.shutDown(ctx))
	}
	return err
}

// note writes down what the machine does.
func (r *run) note(state imagestore.State) error {
	h := r.held
	h.State, h.PID, h.Console = state, os.Getpid(), r.settings.Console
	h.Port, h.SSHPort = port(r.vm.Addr(webPort)), port(r.vm.Addr(sshPort))
	h.URL = "http://" + r.vm.Addr(webPort) + serving.Page
	return h.Save()
}

func port(address string) int {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text)
	return n
}

// shutDown presses the power button, and powers off a machine that ignores it.
func (r *run) shutDown(ctx context.Context) error {
	if err := r.note(imagestore.Stopping); err != nil {
		return err
	}
	phase := event.Start(r.sink, PhaseShutdown, "")
	start := time.Now()
	if _, err := r.vm.ShutDown(context.WithoutCancel(ctx), r.vm.Button()); err != nil {
		r.sink.Emit(event.Event{Type: event.Warning, Phase: PhaseShutdown, Text: err.Error()})
		return phase.End(event.OK, "switched off after "+time.Since(start).Round(time.Second).String(), nil)
	}
	return phase.End(event.OK, "clean", nil)
}
