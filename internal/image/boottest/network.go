package boottest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// network returns the checks of the doors that must be shut.
func network(variant Variant) []check {
	checks := []check{{"only what must be open is", portsClosed}, {"SSH takes no password", noPassword}}
	if variant == Production {
		checks = append(checks, check{"SSH offers no password login", noPasswordOffered}, check{"the web server keeps to itself what it is", quietServer})
	}
	return checks
}

// silence is how long a closed port is listened to. A service that a guest's
// port leads to answers a request within it.
const silence = 8 * time.Second

// portsClosed asks all of [closedPorts] at once.
func portsClosed(ctx context.Context, s subject) (string, error) {
	failures := make(chan error, len(closedPorts))
	for _, port := range closedPorts {
		go func() { failures <- closed(ctx, s.vm.Addr(port), port, silence) }()
	}
	var err error
	for range closedPorts {
		err = errors.Join(err, <-failures)
	}
	return strings.Trim(fmt.Sprint(closedPorts), "[]") + " closed", err
}

// closed checks that nothing answers at addr. QEMU itself accepts every
// connection to a port it forwards, and ends it without a byte when the guest
// refuses.
func closed(ctx context.Context, addr string, port int, wait time.Duration) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil // refused: closed
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(wait))
	_, _ = conn.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	if n, _ := conn.Read(make([]byte, 1)); n > 0 {
		return fmt.Errorf("port %d answers", port)
	}
	return nil
}

// accounts are the names that somebody would try first.
func (s subject) accounts() []string {
	return append([]string{"root"}, s.inside.lines("operators")...)
}

// noPassword tries to log in without a password, and with the name as one.
func noPassword(ctx context.Context, s subject) (string, error) {
	for _, user := range s.accounts() {
		if _, err := tryPasswords(ctx, s.vm.Addr(sshPort), user, []string{"", user}); err != nil {
			return "", err
		}
	}
	return "refused: " + strings.Join(s.accounts(), ", "), nil
}

func noPasswordOffered(ctx context.Context, s subject) (string, error) {
	offered, err := tryPasswords(ctx, s.vm.Addr(sshPort), "root", []string{""})
	if err == nil && offered {
		err = errors.New("it asks for one")
	}
	return "keys only", err
}

// handshake bounds one login. An emulated guest needs seconds for the key
// exchange, and sshd takes its time over a wrong password.
const handshake = 2 * time.Minute

var errLogin = errors.New("logged in")

// tryPasswords tries passwords, one after the other, in every way that the
// server offers, and tells whether it offers any. It fails if one was right.
func tryPasswords(ctx context.Context, addr, user string, passwords []string) (offered bool, err error) {
	tried := 0
	next := func() (string, error) {
		offered = true
		if tried == len(passwords) {
			return "", errors.New("no more passwords")
		}
		tried++
		return passwords[tried-1], nil
	}
	config := &ssh.ClientConfig{
		User: user,
		Auth: []ssh.AuthMethod{
			ssh.RetryableAuthMethod(ssh.PasswordCallback(next), len(passwords)),
			ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				offered = true
				return make([]string, len(questions)), nil
			}),
		},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // nothing is told to the server
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return offered, fmt.Errorf("connecting to ssh: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(handshake))
	if _, _, _, err := ssh.NewClientConn(conn, addr, config); err == nil {
		return offered, fmt.Errorf("%w as %s with a password of %d characters", errLogin, user, len(passwords[max(tried-1, 0)]))
	} else if !strings.Contains(err.Error(), "unable to authenticate") && !offered {
		return offered, fmt.Errorf("trying to log in by ssh: %w", err)
	}
	return offered, nil
}

// quietServer checks that the Server header names no version.
func quietServer(ctx context.Context, s subject) (string, error) {
	r, err := s.web.get(ctx, "/")
	if err != nil {
		return "", err
	}
	server := r.header.Get("Server")
	if strings.ContainsAny(server, "/(") {
		return "", fmt.Errorf("the Server header is %q", server)
	}
	return server, nil
}
