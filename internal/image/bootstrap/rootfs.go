package bootstrap

import (
	"context"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// rootFSName is the name of the tar in its cache entry.
const rootFSName = "rootfs.tar"

// RootFS returns the path of a tar of the root file system that plan
// describes, and whether it was there already.
func RootFS(ctx context.Context, c cache.Dir, plan Resolution, phase *event.Phase) (path string, cached bool, err error) {
	dir, cached, err := c.Get(ctx, "rootfs", plan.Key(), func(dir string) error {
		g, err := plan.Spec.guest()
		if err != nil {
			return err
		}
		if err := CheckForeign(ctx, plan.Spec.Architecture); err != nil {
			return err
		}
		return g.archive().rootFS(ctx, c, plan, dir, phase)
	})
	return filepath.Join(dir, rootFSName), cached, err
}
