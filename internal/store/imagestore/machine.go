package imagestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Files of a machine.
const (
	OverlayFile = "overlay.qcow2"
	KeyFile     = "key"
	HostsFile   = "known_hosts"
	SSHFile     = "ssh_config" // for ssh, and for a user's own configuration to include
	SeedFile    = "seed.img"
	machineFile = "machine.json"
	lockFile    = "lock"
)

// State is what a machine does.
type State string

// The states of a machine.
const (
	Stopped  State = "stopped"
	Starting State = "starting"
	Running  State = "running"
	Degraded State = "degraded" // on, but AmiGO did not answer in time
	Stopping State = "stopping"
)

// Machine is a machine that was made from an image.
type Machine struct {
	Name          string    `json:"name"`
	Kept          bool      `json:"kept"` // else it goes when it stops
	Version       string    `json:"version,omitempty"`
	Variant       string    `json:"variant"`
	Backing       string    `json:"backing"` // path of the disk that it was made from
	BackingFormat string    `json:"backing_format"`
	Data          string    `json:"data,omitempty"` // path of the disk with its data, if they are not in it
	DataFormat    string    `json:"data_format,omitempty"`
	Tested        int       `json:"tested_memory_mib,omitempty"` // memory that its image was tested with, if that is known
	Date          string    `json:"date,omitempty"`              // of GO's data
	DOI           string    `json:"doi,omitempty"`
	ID            string    `json:"id"` // of the instance, for cloud-init
	Created       time.Time `json:"created"`

	// While it runs.
	State   State  `json:"state"`
	PID     int    `json:"pid,omitempty"` // of the process that keeps it
	URL     string `json:"url,omitempty"`
	Port    int    `json:"port,omitempty"`     // on the loopback interface, of the web
	SSHPort int    `json:"ssh_port,omitempty"` // on the loopback interface
	User    string `json:"user,omitempty"`     // to log in as
	HostKey string `json:"host_key,omitempty"` // fingerprint, from when ssh answers on
	Search  string `json:"search,omitempty"`   // what the image says can be searched for
	Console string `json:"console,omitempty"`  // file of the serial console

	// How it came up the last time.
	Accelerator string  `json:"accelerator,omitempty"`
	Boot        float64 `json:"boot_s,omitempty"`  // until ssh answered, in seconds
	AmiGO       float64 `json:"amigo_s,omitempty"` // from then on until a search did

	Dir       string `json:"-"`
	Allocated int64  `json:"-"` // bytes on the disk
}

// Path returns the path of a file of the machine.
func (m Machine) Path(name string) string { return filepath.Join(m.Dir, name) }

// Lives tells whether the machine is on.
func (m Machine) Lives() bool { return m.State != Stopped }

// TakesSSH tells whether the machine has answered ssh.
func (m Machine) TakesSSH() bool { return m.SSHPort != 0 && m.HostKey != "" }

// off forgets what holds while the machine runs.
func (m *Machine) off() {
	m.State, m.PID, m.URL, m.Port, m.SSHPort = Stopped, 0, "", 0, 0
	m.User, m.HostKey, m.Search = "", "", ""
}

var machineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

// CheckMachine returns an error that says why name is not a valid machine name.
func CheckMachine(name string) error {
	if !machineName.MatchString(name) {
		return fmt.Errorf("%q is not a valid machine name: letters, digits, dots, dashes, underscores and plus", name)
	}
	return nil
}

// notInName matches what a machine's name cannot have.
var notInName = regexp.MustCompile(`[^A-Za-z0-9._+-]+`)

// derivedLength leaves room for the number that makes a name free.
const derivedLength = 56

// MachineName makes a valid machine name of a text, such as the name of a file.
func MachineName(text string) string {
	name := strings.Trim(notInName.ReplaceAllString(text, "-"), "-")
	name = strings.TrimLeft(name, "._+-")
	if len(name) > derivedLength {
		name = strings.TrimRight(name[:derivedLength], "._+-")
	}
	return cmp.Or(name, "machine")
}

// Held is a machine that this process has for itself. It must be released.
type Held struct {
	Machine
	store Store
	lock  *flock.Flock
}

// MachineBusyError says that a machine is on.
type MachineBusyError struct{ Machine Machine }

func (e *MachineBusyError) Error() string { return e.Machine.Name + " is running" }

// Fault implements [fault.Reporter].
func (e *MachineBusyError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Locked, Try: fault.To(fault.StopMachine, e.Machine.Name)}
}

// Create makes a machine and holds it. A kept one must be new; one that is
// thrown away gets the next free name. What dead ones left is removed.
func (s Store) Create(ctx context.Context, m Machine) (*Held, error) {
	if err := CheckMachine(m.Name); err != nil {
		return nil, err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	known, err := s.machines()
	if err != nil {
		return nil, err
	}
	m.Name = freeName(m.Name, known)
	m.Created = time.Now().UTC().Truncate(time.Second)
	m.Dir = s.path(machinesDir, m.Name)
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a machine: %w", err)
	}
	return s.hold(m)
}

func freeName(name string, known []Machine) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(known, func(m Machine) bool { return m.Name == name })
	}
	if !taken(name) {
		return name
	}
	for i := 2; ; i++ {
		if next := name + "-" + strconv.Itoa(i); !taken(next) {
			return next
		}
	}
}

// Hold takes a machine that was kept. If it is on the error is a
// [*MachineBusyError], if there is none a [*MissingError].
func (s Store) Hold(ctx context.Context, name string) (*Held, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	m, err := s.machine(name)
	if err != nil {
		return nil, err
	}
	if m.Lives() {
		return nil, &MachineBusyError{Machine: m}
	}
	return s.hold(m)
}

func (s Store) hold(m Machine) (*Held, error) {
	l := flock.New(m.Path(lockFile))
	if locked, err := l.TryLock(); err != nil {
		return nil, fmt.Errorf("locking %s: %w", m.Name, err)
	} else if !locked {
		return nil, &MachineBusyError{Machine: m}
	}
	h := &Held{Machine: m, store: s, lock: l}
	h.off()
	h.State, h.PID = Starting, os.Getpid()
	if err := h.Save(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return h, nil
}

// Save writes what is known of the machine.
func (h *Held) Save() error { return durable.WriteJSON(h.Path(machineFile), h.Machine) }

// Release gives the machine back, and removes it if it is not kept.
func (h *Held) Release(ctx context.Context) error {
	unlock, err := h.store.lock(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer unlock()
	if h.Kept {
		h.off()
		_ = os.Remove(h.Path(SSHFile)) // its port is somebody else's next
		return errors.Join(h.Save(), h.lock.Close())
	}
	return errors.Join(h.store.discard(h.Dir), h.lock.Close())
}

// Machines returns all machines by name, and removes what dead ones left.
func (s Store) Machines(ctx context.Context) ([]Machine, error) {
	if _, err := os.Stat(s.path(machinesDir)); err != nil {
		return nil, nil // there are none
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.machines()
}

// Machine returns one machine, or a [*MissingError].
func (s Store) Machine(ctx context.Context, name string) (Machine, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return Machine{}, err
	}
	defer unlock()
	return s.machine(name)
}

func (s Store) machine(name string) (Machine, error) {
	all, err := s.machines()
	if err != nil {
		return Machine{}, err
	}
	for _, m := range all {
		if m.Name == name {
			return m, nil
		}
	}
	return Machine{}, &MissingError{Name: name}
}

// machines sweeps and lists. The caller holds the store's lock.
func (s Store) machines() ([]Machine, error) {
	found, err := names(s.path(machinesDir))
	if err != nil {
		return nil, err
	}
	var all []Machine
	for _, name := range found {
		dir := s.path(machinesDir, name)
		alive := locked(filepath.Join(dir, lockFile))
		m, err := readJSON[Machine](filepath.Join(dir, machineFile))
		if !alive && (err != nil || !m.Kept) {
			if err := s.discard(dir); err != nil {
				return nil, err
			}
			continue
		}
		if !alive {
			m.off()
		}
		m.Name, m.Dir, m.Allocated = name, dir, Allocated(dir)
		all = append(all, m)
	}
	return all, nil
}

// AwaitOff waits until a machine that another process keeps is off.
func (s Store) AwaitOff(ctx context.Context, m Machine) error {
	for {
		unlock, err := s.lock(ctx)
		if err != nil {
			return err
		}
		on := locked(m.Path(lockFile))
		unlock()
		if !on {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// locked tells whether some process holds the lock at path.
func locked(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	l := flock.New(path)
	free, err := l.TryRLock()
	if free {
		_ = l.Close()
	}
	return err == nil && !free
}

// RemoveMachine removes a machine that is off.
func (s Store) RemoveMachine(ctx context.Context, name string) error {
	h, err := s.Hold(ctx, name)
	if err != nil {
		return err
	}
	h.Kept = false
	return h.Release(ctx)
}
