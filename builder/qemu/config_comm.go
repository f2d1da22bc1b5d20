package qemu

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
)

// Reach is how the guest's SSH is reached from this host.
type Reach struct {
	// The first port of this host that may lead to the guest's SSH. By default QEMU
	// chooses one that is free.
	HostPortMin int `mapstructure:"host_port_min"`
	// The port of this host below which it must be.
	HostPortMax int `mapstructure:"host_port_max"`
	// Give the guest no port of this host: ssh_host and ssh_port are how it is reached.
	SkipNatMapping bool `mapstructure:"skip_nat_mapping"`
}

func (c *Config) setCommDefaults() {
	c.Comm.Type = cmp.Or(c.Comm.Type, "ssh")
	c.Comm.SSHUsername = cmp.Or(c.Comm.SSHUsername, "root")
	// Emulated guests take minutes where others take seconds.
	c.Comm.SSHTimeout = cmp.Or(c.Comm.SSHTimeout, 15*time.Minute)
	if c.HostPortMin > 0 {
		c.HostPortMax = cmp.Or(c.HostPortMax, c.HostPortMin+1)
	}
}

func (c *Config) checkCommunicator() error {
	var errs []error
	if c.Comm.Type != "ssh" {
		errs = append(errs, fmt.Errorf("communicator: %q can't be used (only ssh)", c.Comm.Type))
	}
	if c.HostPortMin < 0 || c.HostPortMax > 65536 || c.HostPortMin >= c.HostPortMax && c.HostPortMax != 0 || c.HostPortMax != 0 && c.HostPortMin == 0 {
		errs = append(errs, fmt.Errorf("host_port_min and host_port_max: %d to %d are no range of ports", c.HostPortMin, c.HostPortMax))
	}
	if c.SkipNatMapping && c.Comm.SSHHost == "" {
		errs = append(errs, errors.New("skip_nat_mapping: ssh_host is needed, since no port of this host leads to the guest"))
	}
	return errors.Join(errs...)
}

// useless is an option of the SDK's that is set and would do nothing.
type useless struct{ name, why string }

const (
	noWindows = "guests with Windows are not supported, so there is no WinRM"
	givenFile = "give the key in ssh_private_key_file"
	ownPair   = "the build makes an Ed25519 key of its own; give another in ssh_private_key_file"
)

// checkEffect refuses what is set and would do nothing. The SDK fills in some of it later.
func (c *Config) checkEffect() error {
	all := []struct {
		set bool
		useless
	}{
		{c.Comm.WinRMUser != "", useless{"winrm_username", noWindows}},
		{c.Comm.WinRMPassword != "", useless{"winrm_password", noWindows}},
		{c.Comm.WinRMHost != "", useless{"winrm_host", noWindows}},
		{c.Comm.WinRMPort != 0, useless{"winrm_port", noWindows}},
		{c.Comm.WinRMTimeout != 0, useless{"winrm_timeout", noWindows}},
		{c.Comm.WinRMUseSSL, useless{"winrm_use_ssl", noWindows}},
		{c.Comm.WinRMInsecure, useless{"winrm_insecure", noWindows}},
		{c.Comm.WinRMUseNTLM.True(), useless{"winrm_use_ntlm", noWindows}},
		{c.Comm.WinRMNoProxy, useless{"winrm_no_proxy", noWindows}},
		{c.Comm.SSHKeyPairName != "", useless{"ssh_keypair_name", givenFile}},
		{len(c.Comm.SSHPublicKey) > 0, useless{"ssh_public_key", givenFile}},
		{len(c.Comm.SSHPrivateKey) > 0, useless{"ssh_private_key", givenFile}},
		{c.Comm.SSHTemporaryKeyPairName != "", useless{"temporary_key_pair_name", ownPair}},
		{c.Comm.SSHTemporaryKeyPairBits != 0, useless{"temporary_key_pair_bits", ownPair}},
		{c.Comm.SSHTemporaryKeyPairType != "", useless{"temporary_key_pair_type", ownPair}},
	}
	var errs []error
	for _, option := range all {
		if option.set {
			errs = append(errs, fmt.Errorf("%s: %s", option.name, option.why))
		}
	}
	return errors.Join(errs...)
}

// forwarded are the guest's ports that get one of this host: the one that SSH listens on.
func (c *Config) forwarded() []int {
	if c.SkipNatMapping {
		return nil
	}
	return []int{c.guestPort()}
}

// guestPort is where the guest's SSH listens.
func (c *Config) guestPort() int { return cmp.Or(c.Comm.SSHPort, machine.SSHPort) }

// reaches tells whether the guest is reached as the engine does it: by a port of this host
// and the build's own key.
func (c *Config) reaches(key *guest.Key) bool {
	return key != nil && c.Comm.SSHHost == "" && !c.SkipNatMapping
}

// freePort returns a port of the range that nobody listens on, and 0 if QEMU is to choose.
func (c *Config) freePort() (int, error) {
	if c.HostPortMin == 0 {
		return 0, nil
	}
	for port := c.HostPortMin; port < c.HostPortMax; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("host_port_min and host_port_max: no port from %d to %d is free", c.HostPortMin, c.HostPortMax-1)
}
