package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	scp "github.com/bramvdbogaerde/go-scp"
	"golang.org/x/crypto/ssh"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// lastWords is how many lines of a failed script's output its error carries.
const lastWords = 10

// Guest is a connection to a guest.
type Guest struct {
	client *ssh.Client
}

// Process is what a guest runs on; a dead machine ends all waiting at once.
type Process interface {
	// Exited is closed when the machine is gone.
	Exited() <-chan struct{}
	// Err says why it is gone.
	Err() error
}

// TimeoutError says that a guest did not answer SSH in time.
type TimeoutError struct {
	Addr  string
	After time.Duration
	Last  error // of the last attempt
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the guest did not answer ssh on %s within %s (last attempt: %v)", e.Addr, e.After, e.Last)
}

func (e *TimeoutError) Unwrap() error { return e.Last }

// Fault implements [fault.Reporter].
func (e *TimeoutError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Other, Try: fault.To(fault.RaiseTimeout)}
}

// Dial connects to the SSH server at addr as user, trying until it answers,
// timeout is over, ctx is done or machine has exited.
//
// The guest's host key is not checked: it is made at the guest's first boot,
// and addr is a port of this host that QEMU listens on.
func Dial(ctx context.Context, addr, user string, key *Key, timeout time.Duration, machine Process) (*Guest, error) {
	config := &ssh.ClientConfig{
		User:            user,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key.Signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // see above
	}
	start := time.Now()
	trying, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		client, err := attempt(trying, addr, config, time.Since(start))
		if err == nil {
			return &Guest{client: client}, nil
		}
		if trying.Err() != nil && ctx.Err() == nil {
			return nil, &TimeoutError{Addr: addr, After: timeout, Last: err}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for ssh: %w", context.Cause(ctx))
		case <-machine.Exited():
			return nil, fmt.Errorf("waiting for ssh: %w", machine.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// handshake bounds the first attempts. QEMU accepts a connection before the
// guest listens, so an attempt hangs rather than fails; an emulated guest may
// need seconds for the key exchange, and more on a busy host, so the later
// attempts get more.
const (
	handshake     = 20 * time.Second
	longHandshake = 90 * time.Second
)

func attempt(ctx context.Context, addr string, config *ssh.ClientConfig, waited time.Duration) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, min(handshake+waited/4, longHandshake))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// Run runs script with "sh -eu" on the guest and copies its output, standard
// error included, to out. The error of a script that fails carries its last
// lines.
func (g *Guest) Run(ctx context.Context, script string, out io.Writer) error {
	tail := event.NewTail(lastWords)
	both := io.MultiWriter(out, tail)
	err := g.Exec(ctx, "sh -eu -s", strings.NewReader(script), both, both)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("a script failed on the guest: %w: %s", err, tail)
	}
	return err
}

// Exec runs a command line of the guest's login shell with the streams given.
// A command that fails gives an [*ssh.ExitError].
func (g *Guest) Exec(ctx context.Context, line string, stdin io.Reader, stdout, stderr io.Writer) error {
	session, err := g.client.NewSession()
	if err != nil {
		return fmt.Errorf("opening an ssh session: %w", err)
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	session.Stdin, session.Stdout, session.Stderr = stdin, stdout, stderr
	err = session.Run(line)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("running a script on the guest: %w", context.Cause(ctx))
	}
	return err
}

// Output runs script and returns what it printed.
func (g *Guest) Output(ctx context.Context, script string) (string, error) {
	var out lockedBuffer
	err := g.Run(ctx, script, &out)
	return out.String(), err
}

// Upload copies size bytes from r to the guest's file path. mode is octal,
// like "0644".
func (g *Guest) Upload(ctx context.Context, r io.Reader, size int64, path, mode string) error {
	client, err := scp.NewClientBySSH(g.client)
	if err != nil {
		return fmt.Errorf("opening a copy to the guest: %w", err)
	}
	defer client.Close()
	if err := client.Copy(ctx, r, path, mode, size); err != nil {
		return fmt.Errorf("copying to %s on the guest: %w", path, err)
	}
	return nil
}

// Download copies the guest's file remote to the file local.
func (g *Guest) Download(ctx context.Context, remote string, local *os.File) error {
	client, err := scp.NewClientBySSH(g.client)
	if err != nil {
		return fmt.Errorf("opening a copy from the guest: %w", err)
	}
	defer client.Close()
	if err := client.CopyFromRemote(ctx, local, remote); err != nil {
		return fmt.Errorf("copying %s from the guest: %w", remote, err)
	}
	return nil
}

// Close ends the connection.
func (g *Guest) Close() error { return g.client.Close() }
