package workshop

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

// host is a workshop in a root file system on the host.
type host struct {
	box   *sandbox.Sandbox
	cache cache.Dir
}

// tools are the programs that tasks call.
const tools = "for tool in node perl rsync java curl; do command -v $tool >/dev/null || { echo \"$tool is not installed in it\"; exit 1; }; done"

// OnHost returns a workshop in the root file system that the tar at rootfs
// holds. It fails if the host cannot enter it, or if it lacks programs.
func OnHost(ctx context.Context, c cache.Dir, rootfs string) (Workshop, error) {
	if rootfs == "" {
		return nil, errors.New("the builder offers no root file system to build in")
	}
	box, err := sandbox.Open(ctx, c, rootfs)
	if err != nil {
		return nil, err
	}
	w := &host{box: box, cache: c}
	if err := w.Run(ctx, Task{Name: "probe", Script: tools}); err != nil {
		return nil, fmt.Errorf("the root file system cannot be used: %w", err)
	}
	return w, nil
}

func (w *host) Toolchain() string { return w.box.Digest() }

func (w *host) Remote() bool { return false }

func (w *host) Close(context.Context) error { return nil }

func (w *host) Run(ctx context.Context, t Task) error {
	room, err := scratch.New(os.TempDir(), "workshop")
	if err != nil {
		return err
	}
	defer room.Close()
	binds, err := binds(t.Dirs, room.Path())
	if err != nil {
		return fmt.Errorf("making room for a task: %w", err)
	}
	out, tail := watch(t.Output)
	err = w.box.Run(ctx, sandbox.Task{Script: t.Script, Binds: binds, Env: t.Env, Network: t.Network, Output: out})
	var failed *sandbox.ScriptError
	if errors.As(err, &failed) {
		return &Error{Task: t.Name, Output: tail.String(), Err: err}
	}
	return err
}

func binds(dirs []Dir, room string) ([]sandbox.Bind, error) {
	var all []sandbox.Bind
	for _, dir := range dirs {
		bind := sandbox.Bind{Host: dir.Host, Guest: dir.At, Writable: dir.Out}
		if dir.Host == "" {
			made, err := os.MkdirTemp(room, "")
			if err != nil {
				return nil, err
			}
			bind.Host, bind.Writable = made, true
		}
		all = append(all, bind)
	}
	return all, nil
}
