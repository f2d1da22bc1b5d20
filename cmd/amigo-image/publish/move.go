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
	var promotion repository.Promotion
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
			promotion.From, promotion.Channel, promotion.Reason = args[0], args[1], p.reason
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository) (repository.Moved, error) {
				return r.Promote(ctx, promotion)
			}, p.showMoved)
		},
	}
	addReinstate(c, &promotion.Reinstate)
	c.Flags().BoolVar(&promotion.DryRun, "dry-run", false, "show what would be done, and do nothing")
	return p.withReason(p.publisher(c))
}

func newRollbackCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	var back repository.Back
	c := &cobra.Command{
		Use:   "rollback CHANNEL",
		Short: "move a channel back to its previous version",
		Long: `Move a channel back to its previous version, or to another one by its name. A
second rollback goes back one version further. Revoked versions are skipped. No
image is copied.
` + exitStatusPublish,
		Example: "  amigo-image rollback stable --to /srv/www/images --reason 'no search'\n  amigo-image rollback stable --to /srv/www/images --version 2026-11-15",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rollback takes a channel", c.CommandPath()+" stable --to REPOSITORY")
			}
			back.Channel, back.Reason = args[0], p.reason
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository) (repository.Moved, error) {
				return r.Rollback(ctx, back)
			}, p.showMoved)
		},
	}
	c.Flags().StringVar(&back.Version, "version", "", "go back to the version with this `NAME`")
	c.Flags().BoolVar(&back.Revoke, "revoke", false, "tell readers not to use the version that the channel leaves")
	addReinstate(c, &back.Reinstate)
	cli.Deliberate(c.Flags(), "version", "revoke")
	c.Flags().BoolVar(&back.DryRun, "dry-run", false, "show what would be done, and do nothing")
	return p.withReason(p.publisher(c))
}

func addReinstate(c *cobra.Command, reinstate *bool) {
	c.Flags().BoolVar(reinstate, "reinstate", false, "move to a version even if it was revoked, and let readers use it again")
}

// showMoved tells how a channel moved.
func (p *publisherFlags) showMoved(r *cli.Reporter, done repository.Moved) error {
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
		undo := []string{"promote", done.From, done.Channel}
		if done.Revoked {
			undo = append(undo, "--reinstate")
		}
		r.Say("undo: %s", publisherLine(p, undo...))
	}
	return nil
}
