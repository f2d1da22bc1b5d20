package use

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

func newSSHCommand(a *cli.App) *cobra.Command {
	var config bool
	c := &cobra.Command{
		Use:     "ssh [NAME] [COMMAND...]",
		GroupID: "use",
		Short:   "log in to a running machine",
		Long: `Log in to a machine as root, or run a command there. ssh uses the machine's own
key and checks its host key. Without a name, it takes the only running machine.
With --json it prints the command line instead of running it.

Every running machine has its own ssh_config. --config prints it, and the line
for ~/.ssh/config that lets ssh, scp, rsync and editors find all machines by
name: "ssh amigo-stable".

EXIT STATUS
  that of the command, or of ssh
  25   no such machine is running`,
		Example: "  amigo-image ssh stable\n  amigo-image ssh stable systemctl --failed\n  amigo-image ssh -- uptime\n  amigo-image ssh my-test 'cat >notes' <notes\n" +
			"  amigo-image ssh --config stable >stable.conf\n  scp -F stable.conf notes amigo-stable:",
		ValidArgsFunction: completeRunning,
		RunE:              func(c *cobra.Command, args []string) error { return runSSH(a, c, args, config) },
	}
	c.Flags().BoolVar(&config, "config", false, "print the machine's ssh_config instead of logging in")
	c.Flags().SetInterspersed(false) // what follows the name is the machine's
	return c
}

func runSSH(a *cli.App, c *cobra.Command, args []string, config bool) error {
	store, err := imageStore()
	if err != nil {
		return err
	}
	name, words := "", args
	if len(args) > 0 && c.ArgsLenAtDash() != 0 {
		name, words = args[0], args[1:]
	}
	if len(words) > 0 && words[0] == "--" { // as in docker exec and vagrant ssh, it is not for the guest
		words = words[1:]
	}
	m, err := running(c.Context(), store, c, name)
	if err != nil {
		return err
	}
	if !m.TakesSSH() {
		return &fault.Error{What: m.Name + " does not answer ssh yet", Code: fault.Other, Try: "amigo-image wait " + m.Name}
	}
	if a.JSON || config {
		return tellSSH(a, m, words)
	}
	return command.Replace(launch.SSH(m, words))
}

// tellSSH prints what it takes to log in: the command for programs, or the
// configuration.
func tellSSH(a *cli.App, m imagestore.Machine, words []string) error {
	r, err := a.Reporter("ssh")
	if err != nil {
		return err
	}
	defer r.Close()
	told := newStarted("ssh", m)
	told.SSH = launch.SSH(m, words).String()
	content, err := regular.ReadFile(told.Config, regular.Document)
	if err != nil {
		return fmt.Errorf("reading the machine's ssh_config: %w", err)
	}
	if err := r.Result(told, strings.TrimSuffix(string(content), "\n")); err != nil {
		return err
	}
	r.Say("for every machine, in ~/.ssh/config: Include %s", launch.SSHFiles(m))
	return nil
}

// running finds a running machine, by its name or by the version it was made
// from; without a name it is the only one.
func running(ctx context.Context, store imagestore.Store, c *cobra.Command, name string) (imagestore.Machine, error) {
	all, err := store.Machines(ctx)
	if err != nil {
		return imagestore.Machine{}, err
	}
	var names []string
	var fitting []imagestore.Machine
	for _, m := range all {
		if !m.Lives() && m.Name == name {
			return m, &fault.Error{What: name + " is off", Code: fault.NotFound, Try: startInstead(ctx, c, name)}
		}
		if !m.Lives() {
			continue
		}
		names = append(names, m.Name)
		if m.Name == name {
			return m, nil
		}
		if name == "" || m.Version == name {
			fitting = append(fitting, m)
		}
	}
	if len(fitting) == 1 {
		return fitting[0], nil
	}
	f := &fault.Error{What: fmt.Sprintf("no running machine is called %q", name), Code: fault.NotFound, Try: cli.Named(c.CommandPath(), name, names)}
	switch {
	case len(names) == 0:
		f.What, f.Try = "no machine is running", startInstead(ctx, c, name)
	case name == "":
		f.What, f.Code = fmt.Sprintf("%d machines are running", len(names)), fault.Usage
	}
	return imagestore.Machine{}, f
}

// startInstead is what to try where the machine that a command is for is not
// running.
func startInstead(ctx context.Context, c *cobra.Command, name string) string {
	if known := cli.Meant(name, localNames(ctx)); known != "" && c.Name() != "stop" {
		return "amigo-image run " + known
	}
	return "amigo-image list"
}

func completeRunning(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	store, err := imageStore()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	machines, _ := store.Machines(c.Context())
	machines = slices.DeleteFunc(machines, func(m imagestore.Machine) bool { return !m.Lives() })
	var names []string
	for _, m := range machines {
		names = append(names, m.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
