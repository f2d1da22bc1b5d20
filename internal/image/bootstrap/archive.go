package bootstrap

import (
	"context"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// archive is how packages are had from where a distribution publishes them.
type archive interface {
	// sources returns where they come from, one source a line.
	sources(ctx context.Context, s Spec) ([]string, error)
	// resolve returns all that is installed with the packages of a plan, at today's
	// versions.
	resolve(ctx context.Context, c cache.Dir, plan Resolution) ([]Package, error)
	// recipe is another one whenever rootFS makes something else of the same packages.
	recipe(g guest) string
	// rootFS makes the tar rootFSName of a plan in dir, which is empty.
	rootFS(ctx context.Context, c cache.Dir, plan Resolution, dir string, phase *event.Phase) error
}

// archives are those of the distributions' package managers.
var archives = map[string]archive{
	"apt":    debs{},
	"dnf":    rpms{dnf{}},
	"zypper": rpms{zypper{}},
}
