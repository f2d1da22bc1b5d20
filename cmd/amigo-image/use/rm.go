package use

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
)

func newRmCommand(a *cli.App) *cobra.Command {
	var f rmFlags
	c := &cobra.Command{
		Use:     "rm NAME...",
		GroupID: "use",
		Short:   "remove images and kept machines",
		Long: `Remove images by version, and kept machines by name. You can pull an image
again, unless its version was withdrawn; the changes in a machine are lost for
good. --all removes all images, machines and caches, and prints which directories
those were. Keys and the configuration stay.

EXIT STATUS
  0    removed
  24   one is in use             25   one is not here`,
		Example:           "  amigo-image rm 2026-09-01\n  amigo-image rm 2026-09-01/production my-test",
		ValidArgsFunction: completeNames,
		RunE:              func(c *cobra.Command, args []string) error { return runRm(a, c, args, f) },
	}
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be removed, and stop")
	c.Flags().BoolVar(&f.all, "all", false, "remove the whole store and the cache (needs --yes)")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "confirm --all")
	cli.Deliberate(c.Flags(), "all", "yes")
	return c
}

// rmFlags are the flags of rm.
type rmFlags struct{ dryRun, all, yes bool }

// removal is something that rm removes.
type removal struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`

	remove func(context.Context) error
}

func runRm(a *cli.App, c *cobra.Command, args []string, f rmFlags) error {
	if len(args) == 0 && !f.all {
		return cli.Usage("rm takes names of images or machines", "amigo-image list")
	}
	store, err := imageStore()
	if err != nil {
		return err
	}
	r, err := a.Reporter("rm")
	if err != nil {
		return err
	}
	defer r.Close()
	if f.all {
		return rmAll(c.Context(), r, store, f)
	}
	// All are found before the first goes.
	var all []removal
	for _, name := range args {
		found, err := removals(c.Context(), store, name)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	verb := map[bool]string{true: "would remove", false: "removed"}[f.dryRun]
	for _, one := range all {
		if !f.dryRun {
			if err := one.remove(c.Context()); err != nil {
				return err
			}
		}
		r.Say("%s %s, %s", verb, one.Name, bytesize.Of(one.Bytes))
		one.Type = strings.ReplaceAll(verb, " ", "-")
		if err := r.Object(one); err != nil {
			return err
		}
	}
	return nil
}

// rmAll removes the store and the cache. Keys and the configuration stay: they
// cannot be had again.
func rmAll(ctx context.Context, r *cli.Reporter, store imagestore.Store, f rmFlags) error {
	cached, err := cli.CacheDir()
	if err != nil {
		return err
	}
	machines, err := store.Machines(ctx)
	if err != nil {
		return err
	}
	for _, m := range machines {
		if m.Lives() {
			return &imagestore.MachineBusyError{Machine: m}
		}
	}
	verb := "removed"
	if f.dryRun || !f.yes {
		verb = "would remove"
	}
	for _, dir := range []string{store.Path(), cached.Path()} {
		bytes := imagestore.Allocated(dir)
		if verb == "removed" {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("removing everything: %w", err)
			}
		}
		r.Say("%s %s, %s", verb, dir, bytesize.Of(bytes))
		if err := r.Object(removal{Type: strings.ReplaceAll(verb, " ", "-"), Name: filepath.Base(dir), Path: dir, Bytes: bytes}); err != nil {
			return err
		}
	}
	if !f.dryRun && !f.yes {
		return cli.Usage("rm --all removes all of that", "amigo-image rm --all --yes")
	}
	return nil
}

// removals finds what a name stands for: a machine, a version with all its
// variants, or one of them.
func removals(ctx context.Context, store imagestore.Store, name string) ([]removal, error) {
	machine, err := store.Machine(ctx, name)
	if err == nil {
		return []removal{{"removed", name, machine.Dir, machine.Allocated, func(ctx context.Context) error {
			return store.RemoveMachine(ctx, name)
		}}}, nil
	}
	if !errors.As(err, new(*imagestore.MissingError)) {
		return nil, err
	}
	images, err := store.Images()
	if err != nil {
		return nil, err
	}
	var found []removal
	for _, image := range images {
		if image.Version == name || image.Name() == name {
			found = append(found, removal{"removed", labelOf(image.Version, image.Variant), image.Dir, image.Allocated, func(ctx context.Context) error {
				return store.RemoveImage(ctx, image)
			}})
		}
	}
	if len(found) == 0 {
		return nil, &imagestore.MissingError{Name: name}
	}
	return found, nil
}
