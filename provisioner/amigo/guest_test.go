package amigo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	packerssh "github.com/hashicorp/packer-plugin-sdk/sdk-internals/communicator/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/geneontology/packer-plugin-amigo/component"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	vmguest "github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// communicator returns Packer's own, on a real SSH server of this host.
func communicator(t *testing.T) packersdk.Communicator {
	t.Helper()
	key, err := vmguest.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, key)
	connect := packerssh.ConnectFunc("tcp", address)
	config := &packerssh.Config{Connection: connect, DisableAgentForwarding: true, SSHConfig: &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key.Signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}}
	for {
		comm, err := packerssh.New(address, config)
		if err == nil {
			return comm
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// serve starts an SSH server that lets a key in, and returns its address.
func serve(t *testing.T, key *vmguest.Key) string {
	t.Helper()
	hostKey, err := vmguest.NewKey("host")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	dir := t.TempDir()
	config := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host_key\nAuthorizedKeysFile %s/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n", address.Port, dir, dir)
	err = errors.Join(
		listener.Close(),
		os.WriteFile(filepath.Join(dir, "host_key"), hostKey.PEM, 0o600),
		os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(key.AuthorizedKey+"\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600),
		os.MkdirAll("/run/sshd", 0o755),
	)
	if err != nil {
		t.Fatal(err)
	}
	sshd := command.Cmd{Name: "/usr/sbin/sshd", Args: []string{"-D", "-f", filepath.Join(dir, "config")}}
	if _, err := command.Start(t.Context(), sshd); err != nil {
		t.Fatal(err)
	}
	return address.String()
}

// TestRun: a script has its streams, and one that fails has its status and its
// last words in its error.
func TestRun(t *testing.T) {
	long := strings.Repeat("echo line >&2\n", 2*lastWords)
	for name, c := range map[string]struct {
		script, stdin, out, err string
		fails                   []string // what the error says; none: there is none
	}{
		"streams":             {script: "cat; echo why >&2", stdin: "it's\n", out: "it's\n", err: "why\n"},
		"no input":            {script: "cat; echo end", out: "end\n"},
		"it runs as root":     {script: "id -u", out: "0\n"},
		"the first failure":   {script: "false; echo never", fails: []string{"status 1"}},
		"an unset variable":   {script: `echo "$NOBODY_SET_IT"`, fails: []string{"status 2: ", "NOBODY_SET_IT"}},
		"last words":          {script: "echo first >&2\n" + long + "exit 7", err: "first\n" + strings.Repeat("line\n", 2*lastWords), fails: []string{"status 7: line"}},
		"a broken connection": {script: "kill -9 $PPID; sleep 60", fails: []string{"the connection to the guest broke"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := &guest{comm: communicator(t)} // one of them breaks it
			var out, errs bytes.Buffer
			err := g.Run(t.Context(), remote.Command{Script: c.script, Stdin: strings.NewReader(c.stdin), Stdout: &out, Stderr: &errs})
			if c.fails == nil && (err != nil || out.String() != c.out || errs.String() != c.err) {
				t.Errorf("%q, %q, %v", out.String(), errs.String(), err)
			}
			for _, want := range c.fails {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "first") {
					t.Errorf("no %q in %v", want, err)
				}
			}
		})
	}
}

// TestRunWithOneStream: both of a script's outputs can go to one writer, and to
// none.
func TestRunWithOneStream(t *testing.T) {
	g := &guest{comm: communicator(t)}
	var all bytes.Buffer
	if err := g.Run(t.Context(), remote.Command{Script: "echo out; echo err >&2", Stdout: &all, Stderr: &all}); err != nil {
		t.Fatal(err)
	}
	if text := all.String(); len(text) != 8 || !strings.Contains(text, "out\n") || !strings.Contains(text, "err\n") {
		t.Errorf("got %q", text)
	}
	err := g.Run(t.Context(), remote.Command{Script: "echo what went wrong; exit 3"})
	if want := "a script failed on the guest with status 3: what went wrong"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// TestRunStopped: who stops a run does not wait for its script.
func TestRunStopped(t *testing.T) {
	g := &guest{comm: communicator(t)}
	ctx, stop := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	time.AfterFunc(200*time.Millisecond, func() { stop(why) })
	if err := g.Run(ctx, remote.Command{Script: "sleep 3"}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

// TestProvision: an error of the engine names the template's attribute, after
// the guest and the source were looked at.
func TestProvision(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	p := new(Provisioner)
	// A package that the test's guest, this host, has: nothing is installed.
	if err := p.Prepare(block(amigoSource(t), map[string]any{"bundle_on": "host", "packages": []string{"dpkg"}})); err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	ui := &packersdk.BasicUi{Writer: &shown, ErrorWriter: &shown}
	err := p.Provision(t.Context(), ui, communicator(t), map[string]any{component.DataRootFS: ""})
	if want := `bundle_on: "host" is not possible: the builder offers no root file system to build in`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"source: ", "bundles: "} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in\n%s", want, &shown)
		}
	}
	if strings.Contains(shown.String(), "packages: ") {
		t.Errorf("packages were installed:\n%s", &shown)
	}
}
