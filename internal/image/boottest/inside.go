package boottest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// judge is a check of what the machine told about itself.
type judge func(inside) (detail string, err error)

func (j judge) check(name string) check {
	return check{name, func(_ context.Context, s subject) (string, error) { return j(s.inside) }}
}

// insideChecks returns the checks that are made over SSH.
func insideChecks(variant Variant, seed bool) []check {
	checks := []check{
		judge(unitsFine).check("no systemd unit failed"),
		{"root's only key is this test's", onlyOurKey},
		judge(listenersFine).check("only SSH and the web listen to others"),
		judge(noBuildCertificates).check("no certificate of the build is left"),
	}
	checks = append(checks, unitChecks...)
	if variant != Production {
		return checks
	}
	checks = append(checks, productionChecks...)
	if seed {
		return append(checks, seedChecks...)
	}
	return checks
}

func unitsFine(i inside) (string, error) {
	if failed := i.text("failed"); failed != "" {
		var units []string
		for _, line := range strings.Split(failed, "\n") {
			unit, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			units = append(units, unit)
		}
		return "", fmt.Errorf("failed: %s", strings.Join(units, ", "))
	}
	if state := i.text("state"); state != "running" {
		return "", fmt.Errorf("the system is %q, not running", state)
	}
	return i.text("state"), nil
}

// onlyOurKey checks that what lets anybody in is what this boot was given.
func onlyOurKey(_ context.Context, s subject) (string, error) {
	for _, line := range s.inside.lines("root-keys") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && line != s.key.AuthorizedKey && !s.seeds(line) {
			return "", fmt.Errorf("root's authorized_keys holds %.60q", line)
		}
	}
	return "", nil
}

// seeds tells whether an authorized key, which may have options in front, is
// the one that the seed gave.
func (s subject) seeds(line string) bool {
	return s.user != nil && strings.HasSuffix(line, s.user.AuthorizedKey)
}

// open are the ports that others may reach.
var open = map[string]bool{"22": true, "80": true, "443": true}

// listenersFine checks the addresses that programs listen on. Those of the
// loopback interface are for programs on the same machine.
func listenersFine(i inside) (string, error) {
	lines := i.lines("listeners")
	if len(lines) == 0 {
		return "", errors.New("nothing listens, or ss is missing")
	}
	for _, line := range lines {
		address, port, err := listener(line)
		if err != nil {
			return "", err
		}
		if !open[port] && (address == nil || !address.IsLoopback()) {
			return "", fmt.Errorf("a program listens on %s", line)
		}
	}
	return "", nil
}

// listener reads an address as ss writes it; nil stands for all addresses.
func listener(line string) (net.IP, string, error) {
	host, port, err := net.SplitHostPort(strings.TrimSpace(line))
	if err != nil {
		return nil, "", fmt.Errorf("reading the listening sockets: %w", err)
	}
	host, _, _ = strings.Cut(host, "%")
	return net.ParseIP(host), port, nil
}

func noBuildCertificates(i inside) (string, error) {
	if left := i.text("certificates"); left != "" {
		return "", fmt.Errorf("/usr/local/share/ca-certificates holds %s", strings.ReplaceAll(left, "\n", ", "))
	}
	return "", nil
}
