package cli

import (
	"github.com/spf13/cobra"
)

// Parent completes a command that only has others below it.
func (a *App) Parent(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := a.checkSubcommand(c, args); err != nil {
			return err
		}
		return c.Help()
	}
}

// checkSubcommand refuses what is left of a command line that should have named
// a command below c.
func (a *App) checkSubcommand(c *cobra.Command, rest []string) error {
	if len(rest) == 0 || !c.HasSubCommands() {
		return nil
	}
	return a.UnknownCommand(c, rest[0])
}

// subcommands are the names of the commands below c.
func subcommands(c *cobra.Command) (names []string) {
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	return names
}

// Help completes the root command with --help and "help", which show nothing of
// a command that is not there.
func (a *App) Help(root *cobra.Command) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if a.unknown = a.checkSubcommand(c, c.Flags().Args()); a.unknown == nil {
			show(c, args)
		}
	})
	root.SetHelpCommand(&cobra.Command{
		Use:     "help [COMMAND...]",
		GroupID: "use",
		Short:   "show the help of a command",
		Example: "  amigo-image help pull\n  amigo-image help keys rotate",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			c, _, _ := root.Find(args)
			return subcommands(c), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return err
			}
			if err := a.checkSubcommand(c, rest); err != nil {
				return err
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	})
}

// Completion words cobra's command as the others are.
func (a *App) Completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	a.Parent(c)
	c.Short = "generate a completion script for a shell"
	c.Long = "Write the script that completes commands, flags, and the names of channels,\nversions and machines in a shell."
	for shell, how := range map[string]string{
		"bash": "source <(amigo-image completion bash)", "zsh": "source <(amigo-image completion zsh)",
		"fish": "amigo-image completion fish | source", "powershell": "amigo-image completion powershell | Out-String | Invoke-Expression",
	} {
		if sub, _, err := c.Find([]string{shell}); err == nil {
			sub.Short, sub.Long = "write the completion script for "+shell, "This line in the shell's start-up file loads it in every new shell."
			sub.Example = "  " + how
		}
	}
}
