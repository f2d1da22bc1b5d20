package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/version"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: "use",
		Short:   "tell the version of this program",
		Example: "  amigo-image version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return json.NewEncoder(stdout.Document()).Encode(struct {
					Type    string `json:"type"`
					Version string `json:"version"`
					Packer  string `json:"packer_templates"`
					Go      string `json:"go"`
				}{"version", version.String(), pipeline.CompatibleVersion, runtime.Version()})
			}
			fmt.Fprintln(stdout, terminal.Wrapped(os.Stdout, fmt.Sprintf("amigo-image %s (templates of Packer %s, %s)", version.String(), pipeline.CompatibleVersion, runtime.Version())))
			return nil
		},
	}
}

func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(c.Name()+" takes no arguments", c.CommandPath())
	}
	return nil
}
