package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/internal/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/terminal"
)

func (a *app) gcCommand() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use:     "gc",
		GroupID: "use",
		Short:   "remove old images and what unfinished pulls left",
		Long: `Remove images that are in no channel any more, and what unfinished pulls left.
The newest image of each variant stays: the next one is made from it. So do
images of machines and of other repositories than the one that is remembered. An
image comes back by pull, unless its version is withdrawn.

EXIT STATUS
  0    what could go is gone, or nothing could`,
		Example: "  amigo-image gc --dry-run",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return a.gc(c, dryRun) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "tell what would go")
	return c
}

func (a *app) gc(c *cobra.Command, dryRun bool) error {
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.reporter("gc")
	if err != nil {
		return err
	}
	defer r.close()
	garbage, err := store.Garbage(c.Context())
	if err != nil {
		return err
	}
	if err := a.showGarbage(r, garbage); err != nil {
		return err
	}
	if dryRun {
		r.say("%s would be freed", terminal.Bytes(sum(garbage)))
		return nil
	}
	freed, err := store.Collect(c.Context(), garbage)
	r.say("%s freed", terminal.Bytes(freed))
	return errors.Join(err, r.object(struct {
		Type  string `json:"type"`
		Freed int64  `json:"freed"`
	}{"result", freed}))
}

func (a *app) showGarbage(r *reporter, garbage []imagestore.Garbage) error {
	if a.json {
		var errs []error
		for _, g := range garbage {
			errs = append(errs, r.object(struct {
				Type string `json:"type"`
				imagestore.Garbage
			}{"garbage", g}))
		}
		return errors.Join(errs...)
	}
	if len(garbage) == 0 {
		r.say("nothing here could go: images in channels, the newest ones and those of machines stay")
		return nil
	}
	var rows [][]string
	for _, g := range garbage {
		rows = append(rows, []string{g.Name, terminal.Bytes(g.Bytes), g.Reason})
	}
	for _, line := range table([]column{{"NAME", 0}, {"BYTES", 0}, {"WHY", 1}}, rows, terminal.Width(os.Stdout)-1) {
		fmt.Println(line)
	}
	return nil
}
