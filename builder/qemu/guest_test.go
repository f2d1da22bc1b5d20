package qemu

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// password lets everybody in who knows it.
const password = "s3cret"

// fakeGuest is the system that a guest of a few instructions lacks: an SSH
// server of the tests, behind a proxy. It runs no command, but remembers all.
// The proxy connects to the machine's port first, so that it must be the right
// one.
type fakeGuest struct {
	listener net.Listener
	config   *ssh.ServerConfig
	// answer gives what a command prints, and its exit status.
	answer func(command string) (string, uint32)

	mu       sync.Mutex
	commands []string // in their order
	uploads  map[string]string
}

func newGuest(t *testing.T) *fakeGuest {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	g := &fakeGuest{uploads: map[string]string{}, answer: func(string) (string, uint32) { return "", 0 }}
	g.config = &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if string(given) != password {
			return nil, errors.New("another password")
		}
		return nil, nil
	}}
	g.config.AddHostKey(signer)
	if g.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.listener.Close() })
	go g.accept()
	return g
}

func (g *fakeGuest) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

func (g *fakeGuest) accept() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			if proxied(conn) == nil {
				g.serve(conn)
			}
		}()
	}
}

// proxied answers a request of SOCKS 5 for an IPv4 address, if there is one who
// listens.
func proxied(conn net.Conn) error {
	greeting, request := make([]byte, 3), make([]byte, 10)
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, request); err != nil {
		return err
	}
	address := net.TCPAddr{IP: request[4:8], Port: int(request[8])<<8 | int(request[9])}
	machine, err := net.Dial("tcp", address.String())
	if err != nil {
		return err
	}
	_ = machine.Close()
	_, err = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return err
}

func (g *fakeGuest) serve(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, g.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go g.session(channel, requests)
	}
}

func (g *fakeGuest) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		var exec struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &exec) != nil {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		status := g.run(channel, exec.Command)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		_ = channel.Close()
	}
}

func (g *fakeGuest) run(channel ssh.Channel, command string) uint32 {
	if dir, ok := strings.CutPrefix(command, "scp -vt "); ok {
		return g.receive(channel, dir)
	}
	text, status := g.answer(command)
	_, _ = io.WriteString(channel.Stderr(), text)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commands = append(g.commands, strings.TrimSuffix(command, "\n"))
	return status
}

// receive is the end of scp that gets one file.
func (g *fakeGuest) receive(channel ssh.Channel, dir string) uint32 {
	in := bufio.NewReader(channel)
	header, err := in.ReadString('\n')
	var mode string
	var size int
	var name string
	if _, wrong := fmt.Sscanf(header, "C%s %d %s", &mode, &size, &name); err != nil || wrong != nil {
		return 1
	}
	_, _ = channel.Write([]byte{0})
	content := make([]byte, size+1)
	if _, err := io.ReadFull(in, content); err != nil {
		return 1
	}
	_, _ = channel.Write([]byte{0})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.uploads[dir+"/"+name] = string(content[:size])
	return 0
}

// said returns what was run on the guest.
func (g *fakeGuest) said() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.commands
}
