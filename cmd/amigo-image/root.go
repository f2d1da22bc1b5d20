package main

import (
	"cmp"
	"io"
	"log"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/build"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/keys"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/nightly"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/plugins"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/publish"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/use"
	"github.com/geneontology/packer-plugin-amigo/internal/host/memory"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// run runs the command line and returns the exit status.
func run(args []string, registry pipeline.Registry) int {
	memory.Spare()
	log.SetOutput(io.Discard)
	a := cli.New(registry, args)
	a.Root = newRootCommand(a)
	a.Root.SetArgs(cli.LongFlags(args))
	ctx, stop := cli.Interruptible()
	defer stop()
	defer cli.Answering(strings.Join(append([]string{a.Root.Name()}, args[:min(1, len(args))]...), " "))()
	return a.Execute(ctx)
}

func newRootCommand(a *cli.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "amigo-image",
		Short: "AmiGO virtual machines: get, run, build and publish them.",
		Example: "  amigo-image run stable          download if needed, and start\n" +
			"  amigo-image pull stable         download and verify only\n  amigo-image build .             build from the template here",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return cmp.Or(cli.FromEnvironment(c), a.CheckFlags())
		},
	}
	a.Parent(root)
	root.SetOut(cli.Stdout)
	root.SetErr(cli.Stderr)
	root.AddGroup(&cobra.Group{ID: "use", Title: "Use"}, &cobra.Group{ID: "build", Title: "Build"}, &cobra.Group{ID: "publish", Title: "Publish"})
	a.GlobalFlags(root)
	root.SetHelpTemplate(cli.HelpTemplate)
	root.SetFlagErrorFunc(a.WrongFlag)
	a.Help(root)
	root.SetCompletionCommandGroupID("use")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveDefault)
	cobra.EnableCommandSorting = false // the help names first what people want first
	root.AddCommand(use.Commands(a)...)
	root.AddCommand(build.Commands(a)...)
	root.AddCommand(publish.Commands(a)...)
	root.AddCommand(plugins.Commands(a)...)
	root.AddCommand(nightly.NewCommand(a), keys.NewCommand(a), newManCommand(a))
	a.Completion(root)
	return root
}
