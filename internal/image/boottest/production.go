package boottest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/image/harden"
)

// productionChecks are the checks of a production image from inside.
var productionChecks = []check{
	judge(noBuildTools).check("no build tools"),
	judge(onlyRuntime).check("no source and no caches in /srv/amigo"),
	judge(flagsOff).check("no beta and no verbose flags"),
	judge(firewallUp).check("the firewall drops what is not served"),
	judge(unitsEnabled).check("firewall, security updates and cloud-init are enabled"),
	judge(upgradesOn).check("security updates are installed by themselves"),
	judge(loginsLocked).check("no account has a password"),
	judge(sshdStrict).check("sshd takes keys only and forwards nothing"),
	judge(sshdCurrent).check("sshd's message authentication codes are current"),
	judge(rebootDecided).check("who reboots for a new kernel is decided and said"),
}

func noBuildTools(i inside) (string, error) {
	if tools := i.lines("programs"); len(tools) > 0 {
		return "", fmt.Errorf("there is %s", strings.Join(tools, ", "))
	}
	return "", nil
}

func onlyRuntime(i inside) (string, error) {
	keep := i.lines("runtime")
	if len(keep) == 0 {
		return "", errors.New("runtime.list is empty or missing")
	}
	if left := harden.Leftovers(keep, i.lines("tree")); len(left) > 0 {
		return "", fmt.Errorf("%d paths too many, among them %s", len(left), left[0])
	}
	return fmt.Sprintf("%d paths", len(i.lines("tree"))), nil
}

// flagOn is a flag that is set, as config.pl and the bundles write it.
var flagOn = regexp.MustCompile(`^(AMIGO_(BETA|VERBOSE)\}='[^0']|"beta":"[^0"])`)

func flagsOff(i inside) (string, error) {
	flags := i.lines("flags")
	if len(flags) == 0 {
		return "", errors.New("config.pl sets neither AMIGO_BETA nor AMIGO_VERBOSE")
	}
	for _, flag := range flags {
		if flagOn.MatchString(flag) {
			return "", fmt.Errorf("on: %s", flag)
		}
	}
	return "", nil
}

var (
	inputPolicy = regexp.MustCompile(`hook input priority [^;]+; policy (\w+);`)
	// accepted are the ports of an accepting rule: one, or a set.
	accepted = regexp.MustCompile(`tcp dport (\d+|\{[^}]*\})[^\n]*accept`)
	number   = regexp.MustCompile(`\d+`)
)

func firewallUp(i inside) (string, error) {
	rules := i.text("firewall")
	policy := inputPolicy.FindStringSubmatch(rules)
	if policy == nil || policy[1] != "drop" {
		return "", errors.New("incoming connections are not dropped by default")
	}
	var ports []string
	for _, rule := range accepted.FindAllStringSubmatch(rules, -1) {
		ports = append(ports, number.FindAllString(rule[1], -1)...)
	}
	for _, port := range ports {
		if !open[port] {
			return "", fmt.Errorf("port %s is open", port)
		}
	}
	return "open: " + strings.Join(ports, ", "), nil
}

func unitsEnabled(i inside) (string, error) {
	states := i.lines("enabled")
	if len(states) != 5 || slices.ContainsFunc(states, func(s string) bool { return s != "enabled" }) {
		return "", fmt.Errorf("nftables, unattended-upgrades, apt-daily, apt-daily-upgrade, cloud-init: %s", strings.Join(states, ", "))
	}
	if i.text("cloud-disabled") != "" {
		return "", fmt.Errorf("%s is there", i.text("cloud-disabled"))
	}
	return "", nil
}

func upgradesOn(i inside) (string, error) {
	for _, setting := range []string{`APT::Periodic::Update-Package-Lists "1";`, `APT::Periodic::Unattended-Upgrade "1";`} {
		if !slices.Contains(i.lines("upgrades"), setting) {
			return "", fmt.Errorf("apt is not set to %s", setting)
		}
	}
	return "", nil
}

// loginsLocked reads "passwd -S": the name, then L for a locked password.
func loginsLocked(i inside) (string, error) {
	lines := i.lines("passwords")
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[1] != "L" {
			return "", fmt.Errorf("not locked: %s", line)
		}
	}
	if len(lines) < 2 {
		return "", errors.New("there is no operator")
	}
	return "", nil
}

func sshdStrict(i inside) (string, error) {
	for _, setting := range []string{
		"passwordauthentication no", "kbdinteractiveauthentication no", "permitemptypasswords no", "permitrootlogin without-password",
		"disableforwarding yes", "allowtcpforwarding no", "allowstreamlocalforwarding no", "allowagentforwarding no",
		"x11forwarding no", "permittunnel no", "gatewayports no",
	} {
		if !slices.Contains(i.lines("sshd"), setting) {
			return "", fmt.Errorf("it is not set to %q", setting)
		}
	}
	return "", nil
}

// currentMAC is a message authentication code that is made of the encrypted
// text, with a hash function that is not broken.
var currentMAC = regexp.MustCompile(`^(?:hmac-sha2-(?:256|512)|umac-128)-etm@openssh\.com$`)

func sshdCurrent(i inside) (string, error) {
	for _, line := range i.lines("sshd") {
		list, ok := strings.CutPrefix(line, "macs ")
		if !ok {
			continue
		}
		for _, name := range strings.Split(list, ",") {
			if !currentMAC.MatchString(name) {
				return "", fmt.Errorf("it takes %s", name)
			}
		}
		return list, nil
	}
	return "", errors.New("it names no MACs")
}

// rebootDecided checks that whether a new kernel is started by itself was
// decided, and is said where people log in.
func rebootDecided(i inside) (string, error) {
	for _, line := range i.lines("reboot") {
		if value, ok := strings.CutPrefix(line, "Unattended-Upgrade::Automatic-Reboot "); ok {
			if !strings.Contains(i.text("motd"), "Reboots:") {
				return "", errors.New("the message at login does not say who reboots for a new kernel")
			}
			return strings.Trim(value, `";`), nil
		}
	}
	return "", errors.New("Unattended-Upgrade::Automatic-Reboot is not set")
}
