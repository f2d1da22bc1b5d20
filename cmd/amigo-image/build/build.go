// Package build builds the images of a template, checks templates and shows what
// is in them.
package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/uuid"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// buildFlags are the flags of build.
type buildFlags struct {
	templateFlags
	force    bool
	debug    bool
	times    bool
	onError  string
	parallel int
}

// Commands are for people who build images.
func Commands(a *cli.App) []*cobra.Command {
	return []*cobra.Command{newBuildCommand(a), newPlanCommand(a), newValidateCommand(a), newInspectCommand(a), newFormatCommand(a), newConsoleCommand(a)}
}

func newBuildCommand(a *cli.App) *cobra.Command {
	var b buildFlags
	c := &cobra.Command{
		Use:     "build [TEMPLATE]",
		GroupID: "build",
		Short:   "build the images of a template",
		Long: `Build the images of a template, which is a file or a directory. An image that was
already built from the same inputs is not built again, unless you use --force.
` + exitStatusBuild,
		Example: "  amigo-image build examples/amigo\n" +
			"  amigo-image build -var amigo_source=/srv/amigo -only '*.amigo' .\n" +
			"  amigo-image build --json . | jq 'select(.type == \"artifact\")'",
		RunE: func(c *cobra.Command, args []string) error { return runBuild(a, c, args, &b) },
	}
	b.add(c.Flags())
	b.addMachine(c.Flags())
	c.Flags().BoolVar(&b.force, "force", false, "build even if nothing changed, and replace existing files")
	cli.Deliberate(c.Flags(), "force")
	c.Flags().BoolVar(&b.debug, "debug", false, "pause before each step, run one build at a time, and show the output of tools")
	c.Flags().BoolVar(&b.times, "timestamp-ui", false, "begin each line with the time")
	accept(c.Flags(), "warn-on-undeclared-var")
	accept(c.Flags(), "skip-enforcement")
	c.Flags().StringVar(&b.onError, "on-error", "", "what to do if a build fails: cleanup, abort, ask or run-cleanup-provisioner")
	cli.IntVar(c.Flags(), &b.parallel, "parallel-builds", 0, 0, "how many builds run at the same time; 0 means all")
	return c
}

func runBuild(a *cli.App, c *cobra.Command, args []string, b *buildFlags) error {
	started := time.Now()
	template, err := b.parse(c, args)
	if err != nil {
		return err
	}
	options := b.options()
	options.Force, options.Debug, options.OnError = b.force, b.debug, b.onError
	plan, err := b.plan(c.Context(), a, template, options)
	if err != nil {
		return err
	}
	defer plan.Close()
	warn(a, plan.Warnings())
	a.Verbose = a.Verbose || b.debug
	a.Times, a.Plain = b.times, b.times
	return b.run(c.Context(), a, plan, started)
}

func (b *buildFlags) run(ctx context.Context, a *cli.App, plan *pipeline.Plan, started time.Time) error {
	dir, err := cli.CacheDir()
	if err != nil {
		return err
	}
	out, err := openOutput(a, plan, b.machine)
	if err != nil {
		return err
	}
	results, err := Execute(ctx, plan, dir, pipeline.RunOptions{Sink: out, Ask: out.asking(cli.Asker()), Parallel: b.parallel, Digests: true})
	closed := out.close()
	err = errors.Join(err, b.show(a, results, out.phases.of))
	if err != nil {
		return completeFault(ctx, a, err, results)
	}
	summary(a, time.Since(started))
	return closed
}

// Execute runs a plan with what all runs of this program share: their records
// and their identity.
func Execute(ctx context.Context, plan *pipeline.Plan, dir cache.Dir, options pipeline.RunOptions) ([]pipeline.Result, error) {
	if err := nameRun(); err != nil {
		return nil, err
	}
	shared := records(dir)
	options.Records, options.Engine = shared.Records, shared.Engine
	return plan.Run(ctx, options)
}

// records are the options by which a build of this program is known again.
func records(dir cache.Dir) pipeline.RunOptions {
	return pipeline.RunOptions{Records: filepath.Join(dir.Path(), "builds"), Engine: engine()}
}

// completeFault completes the error of a build with what is not lost and where more
// is to be found.
func completeFault(ctx context.Context, a *cli.App, err error, results []pipeline.Result) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var all []error
	for i, f := range cli.FaultsOf(err) {
		if f.Kept == "" && i < len(results) {
			f.Kept = kept(results)
		}
		f.Log = a.LogPath
		all = append(all, f)
	}
	return errors.Join(all...)
}

// nameRun gives the run the identity that components read, as Packer does.
func nameRun() error {
	const name = "PACKER_RUN_UUID"
	if os.Getenv(name) != "" {
		return nil
	}
	return os.Setenv(name, uuid.TimeOrderedUUID())
}
