package boottest

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// listen serves one connection with answer, and returns its address.
func listen(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answer(conn)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestClosed(t *testing.T) {
	for _, test := range []struct {
		name   string
		addr   string
		closed bool
	}{
		{"accepted by QEMU, refused by the guest", listen(t, func(net.Conn) {}), true},
		{"dropped by a firewall", listen(t, func(net.Conn) { time.Sleep(200 * time.Millisecond) }), true},
		{"a service that greets", listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-")) }), false},
		{"a service that answers", listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 64))
			_, _ = c.Write([]byte("HTTP/1.0 400"))
		}), false},
		{"nobody listens", "127.0.0.1:1", true},
	} {
		err := closed(t.Context(), test.addr, 8080, 100*time.Millisecond)
		if test.closed != (err == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// sshServer is a real SSH server that takes one password, or keys only.
func sshServer(t *testing.T, password *string) string {
	t.Helper()
	key, err := guest.NewKey("host")
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, errors.New("no") },
	}
	if password != nil {
		config.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != *password {
				return nil, errors.New("no")
			}
			return nil, nil
		}
	}
	config.AddHostKey(key.Signer)
	return listen(t, func(c net.Conn) { _, _, _, _ = ssh.NewServerConn(c, config) })
}

func TestTryPasswords(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name     string
		password *string
		offered  bool
		want     error
	}{
		{"keys only", nil, false, nil},
		{"a good password", text("Xai7chie"), true, nil},
		{"no password at all", text(""), true, errLogin},
		{"the name", text("amigo"), true, errLogin},
	} {
		t.Run(test.name, func(t *testing.T) {
			offered, err := tryPasswords(t.Context(), sshServer(t, test.password), "amigo", []string{"", "amigo"})
			if offered != test.offered || !errors.Is(err, test.want) || (test.want == nil && err != nil) {
				t.Errorf("got %v, %v", offered, err)
			}
		})
	}
	addr := listen(t, func(net.Conn) {})
	if _, err := tryPasswords(t.Context(), addr, "amigo", []string{""}); err == nil || !strings.Contains(err.Error(), "trying to log in") {
		t.Errorf("a server that hangs up: %v", err)
	}
}
