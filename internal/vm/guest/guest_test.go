package guest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// host is a machine that is always there: the one that runs the tests.
type host struct{ gone chan struct{} }

func (h host) Exited() <-chan struct{} { return h.gone }

func (h host) Err() error { return errors.New("the machine is gone") }

// serve starts a real SSH server that lets key in, and returns its address.
func serve(t *testing.T, key *Key) string {
	t.Helper()
	dir := t.TempDir()
	hostKey, err := NewKey("host")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "host_key", hostKey.PEM)
	write(t, dir, "authorized_keys", []byte(key.AuthorizedKey+"\n"))
	addr := freeAddr(t)
	port := strings.TrimPrefix(addr, "127.0.0.1:")
	config := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s/host_key\nAuthorizedKeysFile %s/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n", port, dir, dir)
	write(t, dir, "config", []byte(config))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := command.Start(t.Context(), command.Cmd{Name: "/usr/sbin/sshd", Args: []string{"-D", "-f", filepath.Join(dir, "config")}}); err != nil {
		t.Fatal(err)
	}
	return addr
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func dial(t *testing.T) *Guest {
	t.Helper()
	key, err := NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Dial(t.Context(), serve(t, key), "root", key, time.Minute, host{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func TestRun(t *testing.T) {
	g := dial(t)
	out, err := g.Output(t.Context(), "echo one; echo two >&2")
	if err != nil || !strings.Contains(out, "one") || !strings.Contains(out, "two") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestFailedScriptHasItsLastWords(t *testing.T) {
	g := dial(t)
	_, err := g.Output(t.Context(), "echo why; false; echo never")
	if err == nil || !strings.Contains(err.Error(), "why") || strings.Contains(err.Error(), "never") {
		t.Errorf("got %v", err)
	}
}

func TestCopyThereAndBack(t *testing.T) {
	g := dial(t)
	content := bytes.Repeat([]byte("amigo\x00"), 100_000)
	remote := filepath.Join(t.TempDir(), "with space")
	if err := g.Upload(t.Context(), bytes.NewReader(content), int64(len(content)), remote, "0640"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(remote)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v", info, err)
	}
	local, err := os.Create(filepath.Join(t.TempDir(), "back"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }()
	if err := g.Download(t.Context(), remote, local); err != nil {
		t.Fatal(err)
	}
	back, err := os.ReadFile(local.Name())
	if err != nil || !bytes.Equal(content, back) {
		t.Errorf("%d bytes came back, %v", len(back), err)
	}
}

func TestGuestThatNeverAnswers(t *testing.T) {
	key, err := NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Dial(t.Context(), freeAddr(t), "root", key, time.Second, host{})
	var timeout *TimeoutError
	if !errors.As(err, &timeout) {
		t.Errorf("got %v", err)
	}
}

func TestDeadMachineEndsTheWait(t *testing.T) {
	key, err := NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	close(gone)
	_, err = Dial(t.Context(), freeAddr(t), "root", key, time.Hour, host{gone})
	if err == nil || !strings.Contains(err.Error(), "the machine is gone") {
		t.Errorf("got %v", err)
	}
}
