package publish

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

func newPublishCommand(a *cli.App) *cobra.Command {
	p := publisherFlags{begins: true}
	var release repository.Release
	var loss string
	c := &cobra.Command{
		Use:   "publish [DIRECTORY...]",
		Short: "publish images as a new version in a repository",
		Long: `Publish the images of a build as a version of a repository, and move a channel to
it. Each DIRECTORY is that of an image or contains such directories; the default
is output. Readers see the new version only when it is complete and was read
back. If publish is interrupted, the next run resumes the upload.
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
			var err error
			if release.MaxLoss, err = repository.ParseLoss(loss); err != nil {
				return cli.Usage("--max-loss: "+err.Error(), "--max-loss 5%")
			}
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository) (repository.Published, error) {
				return r.Publish(ctx, release)
			}, p.showPublished)
		},
	}
	c.Flags().StringVar(&release.Channel, "channel", "nightly", "the channel to move")
	c.Flags().StringVar(&release.Version, "version", "", "`NAME` of the version (default: today's date, with .2 if that is taken)")
	cli.Deliberate(c.Flags(), "version")
	c.Flags().BoolVar(&release.DryRun, "dry-run", false, "show what would be done, and do nothing")
	c.Flags().StringVar(&loss, "max-loss", "off", "publish nothing if GOlr has lost more than this `PART` of its documents, or of one\nkind of them, since the channel's version, such as 5%")
	return p.withReason(p.publisher(c))
}

// showPublished tells what a publication did.
func (p *publisherFlags) showPublished(r *cli.Reporter, done repository.Published) error {
	text := fmt.Sprintf("%s: %s -> %s", done.Channel, OrNothing(done.Previous), done.Version)
	switch {
	case done.Unchanged:
		text = fmt.Sprintf("%s: nothing changed, it is at %s", done.Channel, done.Version)
	case done.DryRun:
		text = fmt.Sprintf("%s: %s -> %s would be published: %s, and the same again as chunks", done.Channel, OrNothing(done.Previous), done.Version, bytesize.Of(done.Bytes))
	case done.Changes != "":
		text += "   packages: " + done.Changes
	}
	if err := r.Result(struct {
		Type string `json:"type"`
		repository.Published
	}{"result", done}, text); err != nil {
		return err
	}
	if done.Previous != "" && !done.Unchanged && !done.DryRun {
		r.Say("undo: %s", publisherLine(p, "rollback", done.Channel))
	}
	return nil
}
