package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// Host is the name under which ssh knows a machine, and its host key.
func Host(m imagestore.Machine) string { return "amigo-" + m.Name }

// SSH returns the command that logs in to a running machine as root with the
// machine's own key, and takes no host for it but the machine itself. words
// are what the machine is to run; none opens a shell.
func SSH(m imagestore.Machine, words []string) command.Cmd {
	args := []string{"-F", m.Path(imagestore.SSHFile), Host(m)}
	if len(words) > 0 {
		args = append(append(args, "--"), words...)
	}
	return command.Cmd{Name: "ssh", Args: args}
}

// SSHFiles matches the ssh_config of every machine beside m, as Include takes it.
func SSHFiles(m imagestore.Machine) string {
	return strconv.Quote(filepath.Join(filepath.Dir(m.Dir), "*", imagestore.SSHFile))
}

// sshConfig is what ssh, scp, rsync and editors have to know of a machine.
func sshConfig(m imagestore.Machine) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Host %s\n", Host(m))
	for _, option := range []struct{ name, value string }{
		{"HostName", "127.0.0.1"},
		{"Port", strconv.Itoa(m.SSHPort)},
		{"User", "root"},
		{"IdentityFile", sshPath(m.Path(imagestore.KeyFile))},
		{"IdentitiesOnly", "yes"},
		{"IdentityAgent", "none"},
		{"HostKeyAlias", Host(m)},
		{"UserKnownHostsFile", sshPath(m.Path(imagestore.HostsFile))},
		{"GlobalKnownHostsFile", "none"},
		{"StrictHostKeyChecking", "yes"},
		{"LogLevel", "ERROR"},
	} {
		fmt.Fprintf(&text, "  %s %s\n", option.name, option.value)
	}
	return text.String()
}

// sshPath writes a path as ssh reads it, in quotes and with no %-tokens.
func sshPath(path string) string {
	return strings.ReplaceAll(strconv.Quote(path), "%", "%%")
}

func writeSSHConfig(m imagestore.Machine) error {
	if err := os.WriteFile(m.Path(imagestore.SSHFile), []byte(sshConfig(m)), 0o600); err != nil {
		return fmt.Errorf("writing the machine's ssh_config: %w", err)
	}
	return nil
}
