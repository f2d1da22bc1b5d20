// Package plugins installs, lists and removes Packer's plugins.
package plugins

import (
	"context"
	"errors"
	"fmt"
	"path"

	goversion "github.com/hashicorp/go-version"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin"
)

const exitStatus = `
EXIT STATUS
  0    done
  1    anything not named here
  2    wrong arguments
  25   there is no such plugin`

// Commands are for Packer's plugins.
func Commands(a *cli.App) []*cobra.Command {
	return []*cobra.Command{newInitCommand(a), newPluginsCommand(a)}
}

func newPluginsCommand(a *cli.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "plugins",
		GroupID: "build",
		Short:   "install, list and remove Packer plugins",
		Long: `Install, list and remove Packer plugins, which templates can use. They are where
Packer has them: in $PACKER_PLUGIN_PATH, or below $PACKER_CONFIG_DIR or
~/.config/packer. A plugin is a program that runs as you do: install only those that
you trust.`,
		Example: "  amigo-image plugins install github.com/hashicorp/qemu\n  amigo-image plugins installed",
	}
	a.Parent(c)
	c.AddCommand(newInstallCommand(a), newInstalledCommand(a), newRequiredCommand(), newRemoveCommand(a))
	return c
}

func newInstalledCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "installed",
		Short: "list the plugins that are installed",
		Long: `List the plugins that templates can use, and say why other files in their place
cannot be used.
` + exitStatus,
		Args: cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := installed(c.Context(), nil)
			if err != nil {
				return err
			}
			for _, p := range found {
				if err := show(a, p); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newRequiredCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "required TEMPLATE",
		Short: "list the plugins that a template requires",
		Long:  "List the plugins that a template requires, with their versions.\n" + exitStatus,
		RunE: func(c *cobra.Command, args []string) error {
			required, err := requirements(c, args)
			if err != nil {
				return err
			}
			for _, r := range required {
				fmt.Fprintf(cli.Stdout, "%s %q\n", r.Source, r.Constraints)
			}
			return nil
		},
	}
}

// requirements are those of the template that is named.
func requirements(c *cobra.Command, args []string) ([]pipeline.RequiredPlugin, error) {
	path, err := cli.Argument(c, args)
	if err != nil {
		return nil, err
	}
	return pipeline.Requirements(path, pipeline.Input{})
}

func newRemoveCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:     "remove SOURCE [VERSIONS]",
		Short:   "remove a plugin",
		Long:    "Remove a plugin: all its versions, or those that meet a constraint.\n" + exitStatus,
		Example: "  amigo-image plugins remove github.com/hashicorp/qemu\n  amigo-image plugins remove github.com/hashicorp/qemu '< 1.1.0'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return cli.Usage("remove takes a source and perhaps versions", c.CommandPath()+" github.com/hashicorp/qemu")
			}
			constraints, err := constraintsOf(c, args)
			if err != nil {
				return err
			}
			return remove(c.Context(), a, args[0], constraints)
		},
	}
}

func remove(ctx context.Context, a *cli.App, source string, constraints goversion.Constraints) error {
	found, err := installed(ctx, func(s, _ string) bool { return s == source })
	if err != nil {
		return err
	}
	removed := 0
	for _, p := range found {
		if constraints.Check(p.Version) {
			if err := errors.Join(plugin.Remove(p), show(a, p)); err != nil {
				return err
			}
			removed++
		}
	}
	if removed == 0 {
		return &fault.Error{What: "no such plugin is installed: " + path.Clean(source), Try: "amigo-image plugins installed", Code: fault.NotFound}
	}
	return nil
}

// installed returns the plugins in their directory, and warns of what can't be used.
func installed(ctx context.Context, wanted func(source, name string) bool) ([]plugin.Plugin, error) {
	dir, err := plugin.Dir()
	if err != nil {
		return nil, err
	}
	found, ignored, err := plugin.Installed(ctx, dir, wanted)
	for _, i := range ignored {
		fmt.Fprintf(cli.Stderr, "warning: %s is not used: %v\n", i.Path, i.Why)
	}
	return found, err
}

// show prints a plugin's file, as Packer does.
func show(a *cli.App, p plugin.Plugin) error {
	if !a.JSON {
		fmt.Fprintln(cli.Stdout, p.Path)
		return nil
	}
	out, err := a.Reporter("plugins")
	if err != nil {
		return err
	}
	defer out.Close()
	return out.Object(struct {
		Type    string `json:"type"`
		Source  string `json:"source"`
		Version string `json:"version"`
		Path    string `json:"path"`
	}{"plugin", p.Source, p.Description.Version, p.Path})
}
