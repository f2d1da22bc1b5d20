package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/nightly"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/night"
)

const exitStatusNightly = `
EXIT STATUS
  0    a new version is published
  10   nothing has changed
  11   the build failed          12   an image failed its test
  13   publishing failed         14   the budget of time is used up
  1    the file is not valid     2    wrong arguments
  24   another run is not over   130  interrupted`

func (a *app) nightlyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "nightly FILE",
		GroupID: "publish",
		Short:   "build, test, publish and prune, unattended",
		Long: `Do a night's work as a file says: build if anything changed, boot-test, publish,
prune, clear this host's build cache of what was not used for 30 days or as the
file says, and tell the result in status.json, in junit.xml and on the page.
Whatever fails, the channel stays as it was.
` + exitStatusNightly,
		Example: "  amigo-image nightly /etc/amigo-image/nightly.hcl\n" +
			"  amigo-image nightly --json nightly.hcl |\n    jq -r 'select(.type == \"result\").result'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("nightly takes the file that describes the night", c.CommandPath()+" nightly.hcl")
			}
			return a.nightly(c.Context(), args[0])
		},
	}
}

func (a *app) nightly(ctx context.Context, path string) error {
	file, err := night.Read(path)
	if err != nil {
		return a.unreadable(path, err)
	}
	a.times = os.Getenv("JOURNAL_STREAM") == "" // systemd's journal has them already
	out, err := a.reporter("nightly")
	if err != nil {
		return err
	}
	defer out.close()
	stages := &nightStages{app: a, file: file, sink: out}
	defer stages.close()
	status := nightly.Run(ctx, nightly.Plan{Channel: file.Channel, Budget: file.Budget, State: file.State, Notify: file.Notify}, stages, out)
	return a.nightOver(status, file, out)
}

// unreadable returns what is wrong with the file, with all its places.
func (a *app) unreadable(path string, err error) error {
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

// nightOver tells the result.
func (a *app) nightOver(status nightly.Status, file night.File, out *reporter) error {
	for _, warning := range status.Warnings {
		out.warn(warning)
	}
	text := fmt.Sprintf("%s: %s, at %s", status.Channel, status.Result, orNothing(status.Version))
	if err := out.result(struct {
		Type string `json:"type"`
		nightly.Status
	}{"result", status}, text); err != nil {
		return err
	}
	if status.Exit == fault.OK {
		return nil
	}
	if status.Err() == nil {
		return &silent{status.Exit}
	}
	f := faultOf(status.Err())
	if wrong := (*pipeline.TemplateError)(nil); errors.As(status.Err(), &wrong) {
		f = notValid(wrong)
		if !a.json {
			a.showTemplate(wrong)
		}
	}
	f.Code, f.Log = status.Exit, status.Log
	if f.Where = strings.TrimSpace(f.Where); status.Evidence != "" {
		f.Where += "\nevidence: " + relative(status.Evidence)
	}
	if status.Exit != fault.Locked {
		f.Kept = fmt.Sprintf("%s stays at %s; %s", status.Channel, orNothing(status.Version), filepath.Join(file.State, nightly.StatusFile))
	}
	return f
}

// silent ends the program with a status and without a word.
type silent struct{ status int }

func (s *silent) Error() string { return fmt.Sprintf("exit status %d", s.status) }

// nightStages does a night's work with the pipeline and the repository.
type nightStages struct {
	app  *app
	file night.File
	sink event.Sink

	mu         sync.Mutex
	repository *repository.Repository
}

// Build builds the template; what is there and unchanged is not built again.
func (n *nightStages) Build(ctx context.Context, sink event.Sink) (nightly.Built, error) {
	built := nightly.Built{Directories: n.file.Directories, Log: n.app.logPath}
	var values []string
	for name, value := range n.file.Variables {
		values = append(values, name+"="+value)
	}
	template, err := pipeline.Parse(n.file.Template, pipeline.Input{Environ: os.Environ(), Files: n.file.VariableFiles, Values: values})
	if err != nil {
		return built, err
	}
	plan, err := template.Plan(n.app.registry, pipeline.Options{})
	if err != nil {
		return built, err
	}
	defer plan.Close()
	dir, err := cacheDir()
	if err != nil {
		return built, err
	}
	results, err := execute(ctx, plan, dir, pipeline.RunOptions{Sink: sink})
	built.Unchanged = err == nil && len(results) > 0
	for _, result := range results {
		built.Unchanged = built.Unchanged && result.Unchanged
	}
	return built, err
}

// open opens the repository once it is needed.
func (n *nightStages) open(ctx context.Context) (*repository.Repository, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.repository != nil {
		return n.repository, nil
	}
	ring, err := (&keysDir{n.file.Keys}).ring()
	if err != nil {
		return nil, err
	}
	n.repository, err = repository.Open(ctx, n.file.Repository, ring, repository.Options{
		PublicURL: n.file.PublicURL, Issues: n.file.Issues, Sink: n.sink, By: "nightly", Wait: n.file.Budget,
	})
	return n.repository, err
}

func (n *nightStages) close() {
	if n.repository != nil {
		_ = n.repository.Close()
	}
}

// Current returns the version that the channel is at.
func (n *nightStages) Current(ctx context.Context) (string, error) {
	r, err := n.open(ctx)
	if err != nil {
		return "", err
	}
	return r.Current(ctx, n.file.Channel)
}

// Publish publishes the images, unless the channel has them.
func (n *nightStages) Publish(ctx context.Context, built nightly.Built, _ event.Sink) (string, bool, error) {
	r, err := n.open(ctx)
	if err != nil {
		return "", false, err
	}
	done, err := r.Publish(ctx, repository.Release{Directories: built.Directories, Channel: n.file.Channel})
	if errors.As(err, new(*repository.PagesError)) {
		// The channel has moved; telling the result writes the pages again.
		n.sink.Emit(event.Event{Type: event.Warning, Text: err.Error()})
		err = nil
	}
	return done.Version, !done.Unchanged, err
}

// Prune prunes by the file's keep rules, if it has any.
func (n *nightStages) Prune(ctx context.Context, _ event.Sink) (string, error) {
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
	return strings.Join(prunedLines(done), "; "), err
}

// Clear removes what of the build cache no build has used for long.
func (n *nightStages) Clear(ctx context.Context, _ event.Sink) (string, error) {
	found, err := unusedCache(n.file.Cache)
	cleared, failed := clearCache(ctx, found)
	if len(cleared) == 0 {
		return "nothing in the build cache is old", errors.Join(err, failed)
	}
	return fmt.Sprintf("%s of the build cache removed, %s", count(len(cleared), "old part"), terminal.Bytes(sum(cleared))), errors.Join(err, failed)
}

// Announce tells the result on the repository's page.
func (n *nightStages) Announce(ctx context.Context, result layout.Night) ([]string, error) {
	r, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	done, err := r.Announce(ctx, result)
	return done.Warnings(), err
}
