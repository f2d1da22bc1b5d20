//go:build vm

package bootstrap

import (
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/cache"
)

// TestResolveAtOnce resolves as several builds at the same time do.
func TestResolveAtOnce(t *testing.T) {
	store := cache.At(t.TempDir())
	var group errgroup.Group
	for range 3 {
		group.Go(func() error {
			_, err := Resolve(t.Context(), store, Spec{Distribution: "debian", Release: "bookworm", DiskSize: minDiskSize})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
