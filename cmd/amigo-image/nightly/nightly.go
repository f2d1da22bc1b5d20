// Package nightly builds, tests, publishes and prunes, unattended.
package nightly

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/build"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/keys"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/nightly/night"
	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/publish"
	"github.com/geneontology/packer-plugin-amigo/internal/nightly"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const exitStatus = `
EXIT STATUS
  0    a new version is published
  1    the file is not valid
  2    wrong arguments
  10   nothing has changed
  11   the build failed          12   an image failed its test
  13   publishing failed         14   it took longer than the budget
  24   another run is going on   130  interrupted`

// NewCommand is for a night of building and publishing that nobody watches.
func NewCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:     "nightly FILE",
		GroupID: "publish",
		Short:   "build, test, publish and prune, unattended",
		Long: `Do a night's work as the file describes: build if anything changed, boot-test,
publish, prune, and remove build caches that were not used for 30 days. The result
is in status.json and junit.xml, and on the repository's page. If anything fails,
the channel stays where it was.
` + exitStatus,
		Example: "  amigo-image nightly /etc/amigo-image/nightly.hcl\n" +
			"  amigo-image nightly --json nightly.hcl |\n    jq -r 'select(.type == \"result\").result'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("nightly takes the file that describes the night", c.CommandPath()+" nightly.hcl")
			}
			return run(c.Context(), a, args[0])
		},
	}
}

func run(ctx context.Context, a *cli.App, path string) error {
	file, err := night.Read(path)
	if err != nil {
		return unreadable(path, err)
	}
	a.Times = os.Getenv("JOURNAL_STREAM") == "" // systemd's journal has them already
	out, err := a.Reporter("nightly")
	if err != nil {
		return err
	}
	defer out.Close()
	stages := &stages{app: a, file: file, sink: out}
	defer stages.close()
	status := nightly.Run(ctx, nightly.Settings{Channel: file.Channel, Budget: file.Budget, State: file.State, Notify: file.Notify}, stages, out)
	return report(a, status, file, out)
}

// unreadable returns what is wrong with the file, with all its places.
func unreadable(path string, err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return err
	}
	f := &fault.Error{What: path + " is not valid", Where: err.Error(), Try: "the example, examples/nightly/nightly.hcl", Code: fault.Other, Err: err}
	var placed *night.Error
	if errors.As(err, &placed) {
		var lines []string
		for _, fault := range placed.Diagnostics.Errs() {
			lines = append(lines, fault.Error())
		}
		f.Where = strings.Join(lines, "\n")
	}
	return f
}

// report tells the result.
func report(a *cli.App, status nightly.Status, file night.File, out *cli.Reporter) error {
	for _, warning := range status.Warnings {
		out.Warn(warning)
	}
	text := fmt.Sprintf("%s: %s, at %s", status.Channel, status.Result, publish.OrNothing(status.Version))
	if err := out.Result(struct {
		Type string `json:"type"`
		nightly.Status
	}{"result", status}, text); err != nil {
		return err
	}
	if status.Exit == fault.OK {
		return nil
	}
	if status.Err() == nil {
		return &cli.StatusError{Status: status.Exit}
	}
	f := cli.FaultOf(status.Err())
	if wrong := (*pipeline.TemplateError)(nil); errors.As(status.Err(), &wrong) {
		f = cli.NotValid(wrong)
		if !a.JSON {
			a.ShowTemplate(wrong)
		}
	}
	f.Code, f.Log = status.Exit, status.Log
	if f.Where = strings.TrimSpace(f.Where); status.Evidence != "" {
		f.Where += "\nevidence: " + cli.Relative(status.Evidence)
	}
	if status.Exit != fault.Locked {
		f.Kept = fmt.Sprintf("%s stays at %s; %s", status.Channel, publish.OrNothing(status.Version), filepath.Join(file.State, nightly.StatusFile))
	}
	return f
}

// stages does a night's work with the pipeline and the repository.
type stages struct {
	app  *cli.App
	file night.File
	sink event.Sink

	mu         sync.Mutex
	repository *repository.Repository
}

// Build builds the template; what is there and unchanged is not built again.
func (n *stages) Build(ctx context.Context, sink event.Sink) (nightly.Built, error) {
	built := nightly.Built{Directories: n.file.Directories, Log: n.app.LogPath}
	var values []string
	for name, value := range n.file.Variables {
		values = append(values, name+"="+value)
	}
	template, err := pipeline.Parse(n.file.Template, pipeline.Input{Environ: os.Environ(), Files: n.file.VariableFiles, Values: values})
	if err != nil {
		return built, err
	}
	registry, err := build.Components(ctx, n.app.Registry, template)
	if err != nil {
		return built, err
	}
	plan, err := template.Plan(ctx, registry, pipeline.Options{})
	if err != nil {
		return built, err
	}
	defer plan.Close()
	dir, err := cli.CacheDir()
	if err != nil {
		return built, err
	}
	results, err := build.Execute(ctx, plan, dir, pipeline.RunOptions{Sink: sink})
	built.Unchanged = err == nil && len(results) > 0
	for _, result := range results {
		built.Unchanged = built.Unchanged && result.Unchanged
	}
	return built, err
}

// open opens the repository once it is needed.
func (n *stages) open(ctx context.Context) (*repository.Repository, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.repository != nil {
		return n.repository, nil
	}
	ring, err := (&keys.Dir{Path: n.file.Keys}).Ring()
	if err != nil {
		return nil, err
	}
	n.repository, err = repository.Open(ctx, n.file.Repository, ring, repository.Options{
		PublicURL: n.file.PublicURL, Issues: n.file.Issues, Publisher: n.file.Publisher, Screenshot: n.file.Screenshot,
		Sink: n.sink, By: "nightly", Wait: n.file.Budget,
	})
	return n.repository, err
}

func (n *stages) close() {
	if n.repository != nil {
		_ = n.repository.Close()
	}
}

// Current returns the version that the channel is at.
func (n *stages) Current(ctx context.Context) (string, error) {
	r, err := n.open(ctx)
	if err != nil {
		return "", err
	}
	return r.Current(ctx, n.file.Channel)
}

// Publish publishes the images, unless the channel has them.
func (n *stages) Publish(ctx context.Context, built nightly.Built, _ event.Sink) (string, bool, error) {
	r, err := n.open(ctx)
	if err != nil {
		return "", false, err
	}
	done, err := r.Publish(ctx, repository.Release{Directories: built.Directories, Channel: n.file.Channel, MaxLoss: n.file.MaxLoss})
	if errors.As(err, new(*repository.PagesError)) {
		// The channel has moved; telling the result writes the pages again.
		n.sink.Emit(event.Event{Type: event.Warning, Text: err.Error()})
		err = nil
	}
	return done.Version, !done.Unchanged, err
}

// Prune prunes by the file's keep rules, if it has any.
func (n *stages) Prune(ctx context.Context, _ event.Sink) (string, error) {
	if n.file.Keep == nil {
		return "no keep rules, everything stays", nil
	}
	policy, err := n.file.Keep.Policy()
	if err != nil {
		return "", err
	}
	r, err := n.open(ctx)
	if err != nil {
		return "", err
	}
	done, err := r.Prune(ctx, repository.Rules{Policy: policy, History: keep.Span{Days: 7}, Versions: n.file.Keep.Versions})
	return strings.Join(publish.PrunedLines(done), "; "), err
}

// Clear removes what of the build cache no build has used for long.
func (n *stages) Clear(ctx context.Context, _ event.Sink) (string, error) {
	found, err := cli.UnusedCache(n.file.Cache)
	cleared, failed := cli.ClearCache(ctx, found)
	if len(cleared) == 0 {
		return "nothing in the build cache is old", errors.Join(err, failed)
	}
	return fmt.Sprintf("%s of the build cache removed, %s", cli.Count(len(cleared), "old part"), bytesize.Of(cli.Sum(cleared))), errors.Join(err, failed)
}

// Announce tells the result on the repository's page.
func (n *stages) Announce(ctx context.Context, result layout.Night) ([]string, error) {
	r, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	done, err := r.Announce(ctx, result)
	return done.Warnings(), err
}
