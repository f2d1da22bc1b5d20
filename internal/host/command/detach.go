package command

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Replace runs c in the place of this program, with its streams, its terminal
// and its process id. It returns only if that fails. Dir and the streams of c
// are not used.
func Replace(c Cmd) error {
	path, err := Look(c.Name)
	if err != nil {
		return err
	}
	if err := syscall.Exec(path, append([]string{c.Name}, c.Args...), append(os.Environ(), c.Env...)); err != nil {
		return fmt.Errorf("running %s: %w", c.Name, err)
	}
	return nil
}

// Detached is a program that goes on when this one ends.
type Detached struct{ cmd *exec.Cmd }

// Detach starts c in a session of its own, where no terminal's signal reaches
// it. The files given are open in it from descriptor 3 on. Its other streams
// lead nowhere.
func Detach(c Cmd, files ...*os.File) (*Detached, error) {
	path, err := Look(c.Name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, append(os.Environ(), c.Env...)
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	return &Detached{cmd: cmd}, nil
}

// PID returns the program's process id.
func (d *Detached) PID() int { return d.cmd.Process.Pid }

// Signal sends sig to the program.
func (d *Detached) Signal(sig syscall.Signal) error {
	if err := d.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signalling %d: %w", d.PID(), err)
	}
	return nil
}
