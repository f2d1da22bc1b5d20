package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
)

func newRefreshCommand(a *cli.App) *cobra.Command {
	var p publisherFlags
	c := &cobra.Command{
		Use:   "refresh",
		Short: "renew a repository's signatures",
		Long: `Extend how long a repository's metadata is valid. Readers refuse metadata that is
more than a few days old, so run it twice a day. It also uploads what "keys
rotate" and "keys sign" have changed, and writes the pages again. It needs only
the online key, with minisign.pub and metadata/ beside it.
` + exitStatusPublish,
		Example: "  amigo-image refresh --to file:///srv/www/images",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return runChange(a, c, &p, func(ctx context.Context, r *repository.Repository) (repository.Refreshed, error) {
				return r.Refresh(ctx)
			}, showRefreshed)
		},
	}
	return p.publisher(c)
}

func showRefreshed(r *cli.Reporter, done repository.Refreshed) error {
	for _, warning := range done.Warnings() {
		r.Warn(warning)
	}
	return r.Result(struct {
		Type string `json:"type"`
		repository.Refreshed
	}{"result", done}, fmt.Sprintf("snapshot %d, current until %s", done.Snapshot, done.Expires.UTC().Format(time.RFC3339)))
}
