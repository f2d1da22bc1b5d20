package amigo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"al.essio.dev/pkg/shellescape"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// guest runs commands on a guest through Packer's communicator.
type guest struct{ comm packersdk.Communicator }

// lastWords is how many lines of a failed script's output its error carries.
const lastWords = 10

// Run runs the command as root: as who the communicator logs in, or with sudo.
func (g *guest) Run(ctx context.Context, c remote.Command) error {
	tail := event.NewTail(lastWords)
	cmd := &packersdk.RemoteCmd{
		Command: asRoot(c.Script),
		Stdin:   orEmpty(c.Stdin),
		Stdout:  orNowhere(c.Stdout),
		Stderr:  &both{out: orNowhere(c.Stderr), tail: tail},
	}
	if c.Stdout == nil || c.Stdout == c.Stderr {
		cmd.Stdout = cmd.Stderr
	}
	// On a connection that is breaking, even the start can last for ever.
	ended := make(chan error, 1)
	go func() {
		if err := g.comm.Start(ctx, cmd); err != nil {
			ended <- fmt.Errorf("starting a script on the guest: %w", err)
			return
		}
		ended <- failure(cmd.Wait(), tail.String())
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-ended:
		return err
	}
}

func failure(code int, words string) error {
	switch {
	case code == 0:
		return nil
	case code == packersdk.CmdDisconnect:
		return fmt.Errorf("the connection to the guest broke: %s", words)
	case words == "":
		return fmt.Errorf("a script failed on the guest with status %d", code)
	}
	return fmt.Errorf("a script failed on the guest with status %d: %s", code, words)
}

// asRoot returns a command line that runs script with "sh -eu" as root.
func asRoot(script string) string {
	return `exec $([ "$(id -u)" = 0 ] || echo sudo -n) sh -eu -c ` + shellescape.Quote(script)
}

func orEmpty(r io.Reader) io.Reader {
	if r == nil {
		return strings.NewReader("")
	}
	return r
}

func orNowhere(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// both writes to a script's output and to the tail for its error. A
// communicator may write from several goroutines.
type both struct {
	mu   sync.Mutex
	out  io.Writer
	tail *event.Tail
}

func (b *both) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = b.tail.Write(p)
	return b.out.Write(p)
}
