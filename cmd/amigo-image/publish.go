package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

const exitStatusPublish = `
EXIT STATUS
  0    done, or there was nothing to do
  2    wrong arguments
  13   it failed; readers see what they saw before
  20   a host cannot be reached  21   a file is not what it should be
  22   a disk is full            24   another publisher is at it
  25   there is no such channel, version or key
  130  interrupted; the same command goes on from there`

// publisherFlags are the flags of all that change a repository.
type publisherFlags struct {
	keysDir
	to      string
	public  string
	issues  string
	product string
	by      string
	reason  string
	wait    time.Duration
	single  bool
	begins  bool // a repository where there is none
}

// publisherCommands are for people and machines that publish.
func (a *app) publisherCommands() []*cobra.Command {
	return []*cobra.Command{
		a.publishCommand(), a.promoteCommand(), a.rollbackCommand(), a.pruneCommand(), a.refreshCommand(), a.historyCommand(),
	}
}

// publisher completes a command that changes a repository.
func (p *publisherFlags) publisher(c *cobra.Command) *cobra.Command {
	c.GroupID = "publish"
	p.add(c)
	flags := c.Flags()
	flags.StringVar(&p.to, "to", "", "the `REPOSITORY`: a directory, file://, s3://, gs:// or azblob://")
	flags.StringVar(&p.public, "public-url", "", "where the public reads it, for the page, and to read back from this `URL` what is uploaded; remembered for the page")
	flags.StringVar(&p.product, "product", "", "what the names of the images begin with (default as before, or amigo)")
	flags.StringVar(&p.issues, "issues", "", "the `URL` where people ask for help, for the page; remembered")
	flags.StringVar(&p.by, "by", "", "who does it, for the history (default user@host)")
	flags.DurationVar(&p.wait, "wait", 0, "wait so long for another publisher")
	flags.BoolVar(&p.single, "single-publisher", false, "publish to a store that cannot keep two publishers apart")
	return c
}

// withReason adds the flag of commands that a channel's history tells of.
func (p *publisherFlags) withReason(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.reason, "reason", "", "why, for the history")
	return c
}

// change opens the repository and changes it.
func (a *app) change(c *cobra.Command, p *publisherFlags, do func(ctx context.Context, r *repository.Repository, out *reporter) error) error {
	if p.to == "" {
		return usage("which repository?", c.CommandPath()+" --to DIRECTORY-OR-URL, or export "+environment+"TO=..")
	}
	ring, err := p.ring()
	if err != nil {
		return err
	}
	out, err := a.reporter(c.Name())
	if err != nil {
		return err
	}
	defer out.close()
	r, err := repository.Open(c.Context(), p.to, ring, repository.Options{
		Product: p.product, PublicURL: p.public, Issues: p.issues, SinglePublisher: p.single, Wait: p.wait, By: p.by, Sink: out,
		Existing: !p.begins,
	})
	if err != nil {
		return a.publisherFault(c, p, err)
	}
	defer func() { _ = r.Close() }()
	return a.publisherFault(c, p, do(c.Context(), r, out))
}

// publisherFault completes an error of a command that changes a repository. What
// nobody knows is a failed publication.
func (a *app) publisherFault(c *cobra.Command, p *publisherFlags, err error) error {
	if err == nil {
		return nil
	}
	if ctx := c.Context(); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f := faultOf(err)
	f.Kept = cmp.Or(f.Kept, "readers see what they saw before")
	f.Where = cmp.Or(f.Where, address.Shown(p.to))
	if f.Code == fault.Other {
		f.Code = fault.Publish
	}
	return f
}

func (a *app) publishCommand() *cobra.Command {
	p := publisherFlags{begins: true}
	var release repository.Release
	c := &cobra.Command{
		Use:   "publish [DIRECTORY..]",
		Short: "make images a version of a repository",
		Long: `Make the images of a build a version of a repository, and move a channel to it.
The directories are those of images, or hold such directories; output is the
default. Readers see nothing of it before it is complete and was read back. What
a killed publish has uploaded is not uploaded again.
` + exitStatusPublish,
		Example: "  amigo-image publish output/ --to file:///srv/www/images --channel nightly\n" +
			"  amigo-image publish output/ --to 's3://bucket/images?region=eu-west-1' \\\n    --public-url https://images.example.org --channel nightly\n" +
			"  amigo-image publish output/ --to gs://bucket/images\n" +
			"  amigo-image publish --to 'azblob://container?storage_account=NAME'",
		RunE: func(c *cobra.Command, args []string) error {
			if release.Directories = args; len(args) == 0 {
				release.Directories = []string{"output"}
			}
			release.Reason = p.reason
			return a.change(c, &p, func(ctx context.Context, r *repository.Repository, out *reporter) error {
				done, err := r.Publish(ctx, release)
				if err != nil {
					return err
				}
				return out.published(done, &p)
			})
		},
	}
	c.Flags().StringVar(&release.Channel, "channel", "nightly", "the channel that moves to it")
	c.Flags().StringVar(&release.Version, "version", "", "the version's `NAME` (default today's date, and .2 if that is taken)")
	c.Flags().BoolVar(&release.DryRun, "dry-run", false, "tell what would be done")
	return p.withReason(p.publisher(c))
}

// published tells what a publication did.
func (r *reporter) published(done repository.Published, p *publisherFlags) error {
	text := fmt.Sprintf("%s: %s -> %s", done.Channel, orNothing(done.Previous), done.Version)
	switch {
	case done.Unchanged:
		text = fmt.Sprintf("%s: nothing changed, it is at %s", done.Channel, done.Version)
	case done.DryRun:
		text = fmt.Sprintf("%s: %s -> %s would be published: %s, and the same again as chunks", done.Channel, orNothing(done.Previous), done.Version, terminal.Bytes(done.Bytes))
	case done.Changes != "":
		text += "   packages: " + done.Changes
	}
	if err := r.result(struct {
		Type string `json:"type"`
		repository.Published
	}{"result", done}, text); err != nil {
		return err
	}
	if done.Previous != "" && !done.Unchanged && !done.DryRun {
		r.say("undo: %s", publisherLine(p, "rollback", done.Channel))
	}
	return nil
}

// publisherLine is a command line for the same repository.
func publisherLine(p *publisherFlags, words ...string) string {
	return command.Cmd{Name: "amigo-image", Args: append(words, "--to", address.Shown(p.to))}.String()
}

// orNothing names a version, or says that there was none.
func orNothing(version string) string {
	if version == "" {
		return "(empty)"
	}
	return version
}

func (a *app) promoteCommand() *cobra.Command {
	var p publisherFlags
	var dryRun bool
	c := &cobra.Command{
		Use:   "promote FROM CHANNEL",
		Short: "move a channel to the version that another is at",
		Long: `Move a channel to the version that another channel is at, or to a version by its
name. No image is moved.
` + exitStatusPublish,
		Example: "  amigo-image promote nightly stable --to file:///srv/www/images\n  amigo-image promote 2026-11-22 stable --to images --reason 'a course'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("promote takes where from and where to", c.CommandPath()+" nightly stable --to REPOSITORY")
			}
			return a.change(c, &p, func(ctx context.Context, r *repository.Repository, out *reporter) error {
				done, err := r.Promote(ctx, args[0], args[1], p.reason, dryRun)
				if err != nil {
					return err
				}
				return out.moved(done, &p)
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "tell what would be done")
	return p.withReason(p.publisher(c))
}

func (a *app) rollbackCommand() *cobra.Command {
	var p publisherFlags
	var back repository.Back
	c := &cobra.Command{
		Use:   "rollback CHANNEL",
		Short: "move a channel back to its version before",
		Long: `Move a channel back to the version that it was at before, or to another one by its
name. A second rollback goes one further back. No image is moved.
` + exitStatusPublish,
		Example: "  amigo-image rollback stable --to /srv/www/images --reason 'no search'\n  amigo-image rollback stable --to /srv/www/images --version 2026-11-15",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("rollback takes a channel", c.CommandPath()+" stable --to REPOSITORY")
			}
			return a.change(c, &p, func(ctx context.Context, r *repository.Repository, out *reporter) error {
				back.Channel, back.Reason = args[0], p.reason
				done, err := r.Rollback(ctx, back)
				if err != nil {
					return err
				}
				return out.moved(done, &p)
			})
		},
	}
	c.Flags().StringVar(&back.Version, "version", "", "go back to this version, by its `NAME`")
	c.Flags().BoolVar(&back.Revoke, "revoke", false, "tell readers not to use the version that the channel was at")
	c.Flags().BoolVar(&back.DryRun, "dry-run", false, "tell what would be done")
	return p.withReason(p.publisher(c))
}

// moved tells how a channel moved.
func (r *reporter) moved(done repository.Moved, p *publisherFlags) error {
	text := fmt.Sprintf("%s: %s -> %s", done.Channel, orNothing(done.From), done.Version)
	switch {
	case done.Unchanged:
		text = fmt.Sprintf("%s: it is at %s already", done.Channel, done.Version)
	case done.DryRun:
		text += "   (would be done)"
	}
	if err := r.result(struct {
		Type string `json:"type"`
		repository.Moved
	}{"result", done}, text); err != nil {
		return err
	}
	if done.From != "" && !done.Unchanged && !done.DryRun {
		r.say("undo: %s", publisherLine(p, "promote", done.From, done.Channel))
	}
	return nil
}

func (a *app) refreshCommand() *cobra.Command {
	var p publisherFlags
	c := &cobra.Command{
		Use:   "refresh",
		Short: "say anew that a repository is current",
		Long: `Sign anew that what a repository holds is current: readers want to hear that every
few days. It also takes up keys that were replaced, and writes the pages anew.
Run it twice a day. The online key is the only one that is needed; minisign.pub and
metadata/ are beside it.
` + exitStatusPublish,
		Example: "  amigo-image refresh --to file:///srv/www/images",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(c, &p, func(ctx context.Context, r *repository.Repository, out *reporter) error {
				done, err := r.Refresh(ctx)
				if err != nil {
					return err
				}
				return out.refreshed(done)
			})
		},
	}
	return p.publisher(c)
}

func (r *reporter) refreshed(done repository.Refreshed) error {
	for _, warning := range done.Warnings() {
		r.warn(warning)
	}
	return r.result(struct {
		Type string `json:"type"`
		repository.Refreshed
	}{"result", done}, fmt.Sprintf("snapshot %d, current until %s", done.Snapshot, done.Expires.UTC().Format(time.RFC3339)))
}

func (a *app) historyCommand() *cobra.Command {
	var p publisherFlags
	c := &cobra.Command{
		Use:   "history CHANNEL",
		Short: "tell who moved a channel, when and why",
		Long:  "Tell how a channel came to where it is, newest first.\n" + exitStatusPublish,
		Example: "  amigo-image history stable --to file:///srv/www/images\n" +
			"  amigo-image history stable --to www --json | jq -r '.history[].version'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("history takes a channel", c.CommandPath()+" stable --to REPOSITORY")
			}
			return a.change(c, &p, func(ctx context.Context, r *repository.Repository, out *reporter) error {
				channel, err := r.History(ctx, args[0])
				if err != nil {
					return err
				}
				var rows [][]string
				for _, move := range channel.History {
					rows = append(rows, []string{move.At.Format("2006-01-02 15:04"), string(move.Action), move.Version, move.By, move.Reason})
				}
				if a.json {
					return out.object(struct {
						Type    string `json:"type"`
						Channel string `json:"channel"`
						Version string `json:"version"`
						History any    `json:"history"`
					}{"result", channel.Channel, channel.Version, channel.History})
				}
				writeTable([]column{{"TIME (UTC)", 3}, {"ACTION", 2}, {"VERSION", 0}, {"BY", 4}, {"REASON", 1}}, rows)
				return nil
			})
		},
	}
	return p.publisher(c)
}

// writeTable writes a table that fits the terminal.
func writeTable(columns []column, rows [][]string) {
	for _, line := range table(columns, rows, terminal.Width(os.Stdout)) {
		fmt.Fprintln(stdout, line)
	}
}
