package launch

import (
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
)

// SSH returns the command that logs in to a running machine as root with the
// machine's own key, and takes no host for it but the machine itself. words
// are what the machine is to run; none opens a shell.
func SSH(m imagestore.Machine, words []string) command.Cmd {
	args := []string{
		"-i", m.Path(imagestore.KeyFile), "-p", strconv.Itoa(m.SSHPort),
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "HostKeyAlias=" + HostAlias(m),
		"-o", "UserKnownHostsFile=" + strconv.Quote(m.Path(imagestore.HostsFile)), "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
		"root@127.0.0.1",
	}
	if len(words) > 0 {
		args = append(append(args, "--"), words...)
	}
	return command.Cmd{Name: "ssh", Args: args}
}
