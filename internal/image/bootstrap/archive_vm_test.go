//go:build vm

package bootstrap

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// TestDebianSources: a host whose apt has no source of a release, such as
// Ubuntu's, resolves it all the same, with its updates.
func TestDebianSources(t *testing.T) {
	none := filepath.Join(t.TempDir(), "apt.conf")
	if err := os.WriteFile(none, []byte("Dir::Etc::SourceList \"/dev/null\";\nDir::Etc::SourceParts \"/dev/null\";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", none)
	plan, err := Resolve(t.Context(), cache.At(t.TempDir()), Spec{Distribution: "debian", Release: "bookworm", Architecture: "amd64", DiskSize: minDiskSize})
	if err != nil {
		t.Fatal(err)
	}
	var suites []string
	for _, line := range plan.Sources {
		suites = append(suites, strings.Fields(line)[3])
	}
	if !slices.Equal(suites, []string{"bookworm", "bookworm-updates", "bookworm-security"}) || len(plan.Packages) == 0 {
		t.Errorf("%q, %d packages", plan.Sources, len(plan.Packages))
	}
}

// TestResolveAtOnce resolves as several builds at the same time do.
func TestResolveAtOnce(t *testing.T) {
	store := cache.At(t.TempDir())
	var group errgroup.Group
	for range 3 {
		group.Go(func() error {
			_, err := Resolve(t.Context(), store, Spec{Distribution: "debian", Release: "bookworm", Architecture: "amd64", DiskSize: minDiskSize})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
