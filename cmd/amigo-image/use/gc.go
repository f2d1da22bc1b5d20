package use

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/keep"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

func newGCCommand(a *cli.App) *cobra.Command {
	var dryRun bool
	unused := keep.Span{Days: 30}
	c := &cobra.Command{
		Use:     "gc",
		GroupID: "use",
		Short:   "remove old images, old build caches and unfinished downloads",
		Long: `Remove images that no channel points at any more, caches that no build has used
for 30 days, and what unfinished pulls and builds left behind. gc keeps the
newest image of each variant, since the next update is built from it. It also
keeps the images of machines, images from other repositories than the default
one, and what running builds use. You can pull an image again, unless its version
was withdrawn, and the next build fills the cache again.

EXIT STATUS
  0    removed, or there was nothing to remove`,
		Example: "  amigo-image gc --dry-run\n  amigo-image gc --cache 7d",
		Args:    cli.NoArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return runGC(a, c, unused, dryRun) },
	}
	c.Flags().Var(&unused, "cache", "remove caches that builds have not used for this long, such as 14d or 2m (months)")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be removed, and stop")
	return c
}

func runGC(a *cli.App, c *cobra.Command, unused keep.Span, dryRun bool) error {
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("gc")
	if err != nil {
		return err
	}
	defer r.Close()
	garbage, err := store.Garbage(c.Context())
	if err != nil {
		return err
	}
	cached, unread := cli.UnusedCache(unused)
	all := slices.Clone(garbage)
	for _, u := range cached {
		all = append(all, u.Garbage)
	}
	if err := showGarbage(a, r, all); err != nil {
		return err
	}
	if dryRun {
		r.Say("%s would be freed", bytesize.Of(cli.Sum(all)))
		return unread
	}
	freed, err := store.Collect(c.Context(), garbage)
	cleared, failed := cli.ClearCache(c.Context(), cached)
	freed += cli.Sum(cleared)
	r.Say("%s freed", bytesize.Of(freed))
	return errors.Join(err, unread, failed, r.Object(struct {
		Type  string `json:"type"`
		Freed int64  `json:"freed"`
	}{"result", freed}))
}

func showGarbage(a *cli.App, r *cli.Reporter, garbage []imagestore.Garbage) error {
	if a.JSON {
		var errs []error
		for _, g := range garbage {
			errs = append(errs, r.Object(struct {
				Type string `json:"type"`
				imagestore.Garbage
			}{"garbage", g}))
		}
		return errors.Join(errs...)
	}
	if len(garbage) == 0 {
		r.Say("nothing to remove")
		return nil
	}
	var rows [][]string
	for _, g := range garbage {
		rows = append(rows, []string{g.Name, bytesize.Of(g.Bytes), g.Reason})
	}
	for _, line := range cli.Table([]cli.Column{{Name: "NAME"}, {Name: "BYTES"}, {Name: "WHY", Rank: 1, Wrap: true}}, rows, terminal.Width(os.Stdout)-1) {
		fmt.Fprintln(cli.Stdout, line)
	}
	return nil
}
