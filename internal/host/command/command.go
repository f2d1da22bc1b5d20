// Package command runs the host's programs. It is the only package that
// imports os/exec, so that every child process of ours obeys its context and
// dies with us. What such a child started in its process group ends with the
// context and with [KillAll]; it is only when we are killed ourselves (SIGKILL)
// that the kernel ends the child alone.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// grace is how long a program may take to end after SIGTERM before it is
// killed. Ctrl-C must end any phase in five seconds.
const grace = 3 * time.Second

// lastWords is how many lines of a failed program's standard error its error
// carries.
const lastWords = 10

// Cmd is a program to run.
type Cmd struct {
	Name   string   // looked up in PATH
	Args   []string // without the program's name
	Dir    string   // "": the current directory
	Env    []string // added to our own environment, as KEY=value
	Unset  []string // names of our own environment that it does not get
	Stdin  io.Reader
	Stdout io.Writer // nil: discarded
	Stderr io.Writer // nil: only its last lines are kept, for the error; Stdout's writer: both are one stream
}

// String returns the command line, quoted so that a shell takes it.
func (c Cmd) String() string {
	words := []string{shellescape.Quote(c.Name)}
	for _, arg := range c.Args {
		words = append(words, shellescape.Quote(arg))
	}
	return strings.Join(words, " ")
}

// ExitError says how a program failed.
type ExitError struct {
	Name   string
	Code   int    // exit status, or -1 when a signal ended it
	Stderr string // last lines of that stream, addresses in them as anybody may see them
	err    error
}

func (e *ExitError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: %v", e.Name, e.err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Name, e.err, e.Stderr)
}

func (e *ExitError) Unwrap() error { return e.err }

// Is tells whether a program's last words are what the C library says of the
// error number target: a full disk is one, whoever fills it.
func (e *ExitError) Is(target error) bool {
	return target == syscall.ENOSPC && strings.Contains(e.Stderr, "No space left on device")
}

// MissingError says that the host lacks a program.
type MissingError struct{ Name, Package string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed (try: apt-get install %s)", e.Name, e.Package)
}

// Fault implements [fault.Reporter].
func (e *MissingError) Fault() fault.Report {
	return fault.Report{What: e.Name + " is not installed", Code: fault.Host, Try: fault.To(fault.Install, e.Package)}
}

// Process is a running program.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// inherited is our own environment without what c is not to get.
func (c Cmd) inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(c.Unset, name)
	})
}

// Start starts c. When ctx is done the program's whole process group gets
// SIGTERM, and SIGKILL three seconds later. A program that is not installed
// gives a [*MissingError].
func Start(ctx context.Context, c Cmd) (*Process, error) {
	path, err := Look(c.Name)
	if err != nil {
		return nil, err
	}
	tail := event.NewTail(lastWords)
	cmd := exec.CommandContext(ctx, path, c.Args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout = c.Dir, c.Stdin, c.Stdout
	cmd.Env = append(c.inherited(), c.Env...)
	cmd.Stderr = tail
	if c.Stderr != nil {
		cmd.Stderr = io.MultiWriter(c.Stderr, tail)
	}
	switch {
	case c.Stdout == nil || c.Stderr == nil:
	case same(c.Stdout, c.Stderr):
		cmd.Stdout = cmd.Stderr // one stream, so that lines stay in their order
	default:
		// Both may lead to one writer, which must not get two lines at once.
		mu := new(sync.Mutex)
		cmd.Stdout, cmd.Stderr = &locked{mu, c.Stdout}, &locked{mu, cmd.Stderr}
	}
	isolate(cmd)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, context.Cause(ctx))
	}
	if err := running.start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go p.wait(ctx, c.Name, tail)
	return p, nil
}

func (p *Process) wait(ctx context.Context, name string, tail *event.Tail) {
	defer close(p.done)
	err := p.cmd.Wait()
	if ctx.Err() != nil {
		// Children of a shell may ignore SIGTERM; none may outlive us.
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	running.forget(p.cmd.Process.Pid)
	switch {
	case ctx.Err() != nil && err != nil:
		p.err = fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case err != nil:
		p.err = &ExitError{Name: name, Code: p.cmd.ProcessState.ExitCode(), Stderr: address.ShownIn(tail.String()), err: err}
	}
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the program's end and returns how it failed: an
// [*ExitError], or the context's cause.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends sig to the program's process group.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signalling %d: %w", p.cmd.Process.Pid, err)
	}
	return nil
}

// Run runs c to its end.
func Run(ctx context.Context, c Cmd) error {
	p, err := Start(ctx, c)
	if err != nil {
		return err
	}
	return p.Wait()
}

// Output runs c and returns what it wrote to its standard output.
func Output(ctx context.Context, c Cmd) ([]byte, error) {
	var out strings.Builder
	c.Stdout = &out
	err := Run(ctx, c)
	return []byte(out.String()), err
}

// Look returns the path of a program, or a [*MissingError] that names the
// Debian package to install.
func Look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &MissingError{Name: name, Package: debianPackage(name)}
	}
	return path, nil
}

// same tells whether a and b are one writer.
func same(a, b io.Writer) bool { return reflect.ValueOf(a).Comparable() && a == b }

// locked is a writer that takes turns with others.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// isolate gives the program its own process group, so that a terminal's
// Ctrl-C reaches us alone, and ends it when we are killed. That last cannot
// reach the program's own children: the kernel knows no such thing for a group.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = grace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

func debianPackage(program string) string {
	packages := map[string]string{
		"qemu-system-x86_64":  "qemu-system-x86",
		"qemu-system-aarch64": "qemu-system-arm",
		"qemu-img":            "qemu-utils",
		"sfdisk":              "fdisk",
		"mke2fs":              "e2fsprogs",
		"mkfs.vfat":           "dosfstools",
		"mcopy":               "mtools",
		"mmd":                 "mtools",
		"bwrap":               "bubblewrap",
		"apt-get":             "apt",
		"mvn":                 "maven",
	}
	if p, ok := packages[program]; ok {
		return p
	}
	return program
}
