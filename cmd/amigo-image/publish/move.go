package publish

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
)

func newPromoteCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	var dryRun bool
	c := &cobra.Command{
		Use:   "promote FROM CHANNEL",
		Short: "move a channel to another channel's version",
		Long: `Move a channel to the version of another channel, or to a version by its name.
No image is copied.
` + exitStatusPublish,
		Example: "  amigo-image promote nightly stable --to file:///srv/www/images\n  amigo-image promote 2026-11-22 stable --to images --reason 'a course'",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return cli.Usage("promote takes where from and where to", c.CommandPath()+" nightly stable --to REPOSITORY")
			}
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository, out *cli.Reporter) error {
				done, err := r.Promote(ctx, args[0], args[1], p.reason, dryRun)
				if err != nil {
					return err
				}
				return showMoved(out, done, &p)
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be done, and do nothing")
	return p.withReason(p.publisher(c))
}

func newRollbackCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	var back repository.Back
	c := &cobra.Command{
		Use:   "rollback CHANNEL",
		Short: "move a channel back to its previous version",
		Long: `Move a channel back to its previous version, or to another one by its name. A
second rollback goes back one version further. No image is copied.
` + exitStatusPublish,
		Example: "  amigo-image rollback stable --to /srv/www/images --reason 'no search'\n  amigo-image rollback stable --to /srv/www/images --version 2026-11-15",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rollback takes a channel", c.CommandPath()+" stable --to REPOSITORY")
			}
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository, out *cli.Reporter) error {
				back.Channel, back.Reason = args[0], p.reason
				done, err := r.Rollback(ctx, back)
				if err != nil {
					return err
				}
				return showMoved(out, done, &p)
			})
		},
	}
	c.Flags().StringVar(&back.Version, "version", "", "go back to the version with this `NAME`")
	c.Flags().BoolVar(&back.Revoke, "revoke", false, "tell readers not to use the version that the channel leaves")
	cli.Deliberate(c.Flags(), "version", "revoke")
	c.Flags().BoolVar(&back.DryRun, "dry-run", false, "show what would be done, and do nothing")
	return p.withReason(p.publisher(c))
}

// showMoved tells how a channel moved.
func showMoved(r *cli.Reporter, done repository.Moved, p *publisherFlags) error {
	text := fmt.Sprintf("%s: %s -> %s", done.Channel, OrNothing(done.From), done.Version)
	switch {
	case done.Unchanged:
		text = fmt.Sprintf("%s: it is at %s already", done.Channel, done.Version)
	case done.DryRun:
		text += "   (would be done)"
	}
	if err := r.Result(struct {
		Type string `json:"type"`
		repository.Moved
	}{"result", done}, text); err != nil {
		return err
	}
	if done.From != "" && !done.Unchanged && !done.DryRun {
		r.Say("undo: %s", publisherLine(p, "promote", done.From, done.Channel))
	}
	return nil
}
