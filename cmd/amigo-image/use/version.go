package use

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/version"
)

func newVersionCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: "use",
		Short:   "show the version of this program",
		Example: "  amigo-image version",
		Args:    cli.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			if a.JSON {
				return json.NewEncoder(cli.Stdout.Document()).Encode(struct {
					Type    string `json:"type"`
					Version string `json:"version"`
					Packer  string `json:"packer_templates"`
					Go      string `json:"go"`
				}{"version", version.String(), pipeline.CompatibleVersion, runtime.Version()})
			}
			fmt.Fprintln(cli.Stdout, terminal.Wrapped(os.Stdout, fmt.Sprintf("amigo-image %s (templates of Packer %s, %s)", version.String(), pipeline.CompatibleVersion, runtime.Version())))
			return nil
		},
	}
}
