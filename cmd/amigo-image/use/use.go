// Package use is what people do with images: get, run, look at and remove them.
package use

import (
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
)

// Commands are for people who use images.
func Commands(a *cli.App) []*cobra.Command {
	return []*cobra.Command{
		newPullCommand(a), newRunCommand(a), newWaitCommand(a), newSSHCommand(a), newStopCommand(a), newListCommand(a), newInfoCommand(a),
		newVerifyCommand(a), newDiffCommand(a), newRmCommand(a), newGCCommand(a), newDoctorCommand(a), newVersionCommand(a),
	}
}
