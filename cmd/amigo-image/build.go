package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/uuid"
	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// buildFlags are the flags of build.
type buildFlags struct {
	templateFlags
	force    bool
	debug    bool
	onError  string
	parallel int
}

func (a *app) buildCommand() *cobra.Command {
	var b buildFlags
	c := &cobra.Command{
		Use:     "build [TEMPLATE]",
		GroupID: "build",
		Short:   "build the images of a template",
		Long: `Build the images of a template, a file or a directory. What is already there and
made from the same inputs is not built again; --force builds anyway.
` + exitStatusBuild,
		Example: "  amigo-image build examples/amigo\n" +
			"  amigo-image build -var amigo_source=/srv/amigo -only '*.amigo' .\n" +
			"  amigo-image build --json . | jq 'select(.type == \"artifact\")'",
		RunE: func(c *cobra.Command, args []string) error { return a.build(c, args, &b) },
	}
	b.add(c.Flags())
	c.Flags().BoolVar(&b.force, "force", false, "build though nothing has changed, and replace what is there")
	c.Flags().BoolVar(&b.debug, "debug", false, "pause before each step, one build at a time, and show the output of tools")
	c.Flags().StringVar(&b.onError, "on-error", "", "cleanup, abort, ask or run-cleanup-provisioner")
	c.Flags().IntVar(&b.parallel, "parallel-builds", 0, "builds at the same time; 0 is all")
	return c
}

func (a *app) build(c *cobra.Command, args []string, b *buildFlags) error {
	started := time.Now()
	template, err := b.parse(c, args)
	if err != nil {
		return err
	}
	options := b.options()
	options.Force, options.Debug, options.OnError = b.force, b.debug, b.onError
	plan, err := template.Plan(a.registry, options)
	if err != nil {
		return err
	}
	defer plan.Close()
	a.warn(plan.Warnings())
	a.verbose = a.verbose || b.debug
	return a.runPlan(c.Context(), plan, b.parallel, started)
}

func (a *app) runPlan(ctx context.Context, plan *pipeline.Plan, parallel int, started time.Time) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	out, err := a.open(dir, plan)
	if err != nil {
		return err
	}
	results, err := execute(ctx, plan, dir, pipeline.RunOptions{Sink: out, Ask: asker(), Parallel: parallel})
	closed := out.close()
	for _, r := range results {
		err = errors.Join(err, a.show(r))
	}
	if err != nil {
		return a.failed(ctx, err, results)
	}
	a.summary(time.Since(started))
	return closed
}

// execute runs a plan with what all runs of this program share: their records
// and their identity.
func execute(ctx context.Context, plan *pipeline.Plan, dir cache.Dir, options pipeline.RunOptions) ([]pipeline.Result, error) {
	if err := nameRun(); err != nil {
		return nil, err
	}
	options.Records, options.Engine = filepath.Join(dir.Path(), "builds"), engine()
	return plan.Run(ctx, options)
}

// failed completes the error of a build with what is not lost and where more
// is to be found.
func (a *app) failed(ctx context.Context, err error, results []pipeline.Result) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var all []error
	for i, f := range faultsOf(err) {
		if f.Kept == "" && i < len(results) {
			f.Kept = kept(results)
		}
		f.Log = a.logPath
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

func logs(dir cache.Dir) string { return filepath.Join(dir.Path(), "logs") }
