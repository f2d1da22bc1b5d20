package main

import "github.com/spf13/cobra"

// useCommands are for people who use images.
func (a *app) useCommands() []*cobra.Command {
	return []*cobra.Command{
		a.pullCommand(), a.runCommand(), a.waitCommand(), a.sshCommand(), a.stopCommand(), a.listCommand(), a.infoCommand(),
		a.verifyCommand(), a.diffCommand(), a.rmCommand(), a.gcCommand(), a.doctorCommand(), a.versionCommand(),
	}
}
