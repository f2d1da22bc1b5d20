// Package machine is one session with a virtual machine, from power on to power off: it is
// started, logged in to, supervised, and shut down.
package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// SSHPort is where a guest's SSH listens unless it was told otherwise.
const SSHPort = 22

// Machine is a virtual machine that is on. It must be ended with [qemu.VM.Close].
type Machine struct {
	*qemu.VM
	// Limits are those of its accelerator, which the caller may change.
	Limits Limits
	Port   int        // of the guest, on which SSH listens
	key    *guest.Key // root's; nil: somebody else's business
}

// Start switches a machine on, whose options forward the port of SSH if anybody is to log in.
// key lets root in, unless it is nil. The machine ends with ctx at the latest.
func Start(ctx context.Context, options qemu.Options, key *guest.Key) (*Machine, error) {
	if key != nil {
		options.AuthorizedKeys = append([]string{key.AuthorizedKey}, options.AuthorizedKeys...)
	}
	vm, err := qemu.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	return &Machine{VM: vm, Limits: LimitsOf(options.Accelerator), Port: SSHPort, key: key}, nil
}

// Login logs in as a user with the machine's key as soon as SSH answers, within the limit
// for that (a [*guest.TimeoutError]).
func (m *Machine) Login(ctx context.Context, user string) (*guest.Guest, error) {
	return guest.Dial(ctx, m.Addr(m.Port), user, m.key, m.Limits.SSH, m.VM)
}

// A Rung is one way to shut a machine down.
type Rung struct {
	Name string // what a person reads: "the power button"
	Do   func(context.Context) error
	// Repeat says it again and again: a guest that is just starting up may not listen yet.
	Repeat bool
}

// Button presses the power button.
func (m *Machine) Button() Rung {
	return Rung{Name: "the power button", Do: m.PressPowerButton, Repeat: true}
}

// PoweroffCommand asks systemd on a guest.
const PoweroffCommand = "systemctl poweroff --no-block"

// Poweroff asks systemd over an SSH connection that exists.
func (m *Machine) Poweroff(g *guest.Guest) Rung {
	return Rung{Name: "systemctl poweroff", Do: func(ctx context.Context) error {
		_, err := g.Output(ctx, PoweroffCommand)
		return err
	}}
}

// pressAgain is how long a guest has to heed what is repeated then.
const pressAgain = 20 * time.Second

// UncleanError says that a guest did not shut down by itself.
type UncleanError struct {
	Tried []error // one of each rung
}

func (e *UncleanError) Error() string {
	reasons := make([]string, len(e.Tried))
	for i, err := range e.Tried {
		reasons[i] = err.Error()
	}
	return "the guest did not shut down: " + strings.Join(reasons, "; ")
}

func (e *UncleanError) Unwrap() []error { return e.Tried }

// ShutDown goes down the rungs until the guest shuts down by itself, and returns the name of
// the rung that did it. Each rung has the limit for a shutdown. A guest that is on after the
// last one gives an [*UncleanError], one that dies the reason. It stays on then.
func (m *Machine) ShutDown(ctx context.Context, rungs ...Rung) (string, error) {
	unclean := new(UncleanError)
	for _, rung := range rungs {
		err := m.try(ctx, rung)
		if err == nil {
			return rung.Name, nil
		}
		if ctx.Err() != nil || m.HasExited() {
			return "", fmt.Errorf("shutting down: %w", err)
		}
		unclean.Tried = append(unclean.Tried, fmt.Errorf("%s: %w", rung.Name, err))
	}
	return "", unclean
}

// errNotHeard says that a guest went on as if nothing had been said.
var errNotHeard = errors.New("no answer")

// try gives a rung its time.
func (m *Machine) try(ctx context.Context, rung Rung) error {
	late := fmt.Errorf("%w within %s", errNotHeard, m.Limits.Shutdown)
	whole, cancel := context.WithTimeoutCause(ctx, m.Limits.Shutdown, late)
	defer cancel()
	for {
		if err := rung.Do(whole); err != nil && !m.HasExited() {
			return err
		}
		if !rung.Repeat {
			return m.WaitExit(whole)
		}
		part, cancel := context.WithTimeoutCause(whole, pressAgain, errNotHeard)
		err := m.WaitExit(part)
		cancel()
		if err == nil || m.HasExited() || whole.Err() != nil {
			return err
		}
	}
}
