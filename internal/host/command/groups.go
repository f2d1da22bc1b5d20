package command

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
)

// groups are the process groups of the programs that run.
type groups struct {
	mu      sync.Mutex
	leaders map[int]bool
	ended   bool
}

var running = groups{leaders: map[int]bool{}}

var errEnded = errors.New("this program is about to end")

// start starts cmd, and knows its group before anybody can ask to end all.
func (g *groups) start(cmd *exec.Cmd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return errEnded
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	g.leaders[cmd.Process.Pid] = true
	return nil
}

func (g *groups) forget(leader int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.leaders, leader)
}

func (g *groups) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	for leader := range g.leaders {
		_ = syscall.Kill(-leader, syscall.SIGKILL)
	}
}

// KillAll kills every program that runs, with what it started in its process
// group, and lets none start after that. It is for who is about to exit
// without waiting; what is detached goes on.
func KillAll() { running.kill() }
