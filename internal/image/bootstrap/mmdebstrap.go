package bootstrap

import (
	"context"
	_ "embed" // changelogs.sh
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// changelogs keeps what the packages' changelogs say of security fixes, in
// /usr/share/amigo-image/changelogs.gz.
//
//go:embed changelogs.sh
var changelogs string

func (debs) rootFS(ctx context.Context, _ cache.Dir, plan Resolution, dir string, phase *event.Phase) error {
	list := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(list, []byte(strings.Join(plan.Sources, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing apt's sources: %w", err)
	}
	work, err := Workspace(dir)
	if err != nil {
		return err
	}
	defer work.Close()
	stderr := event.NewLines(phase.Detail)
	packages, err := plan.Spec.packages()
	if err != nil {
		return err
	}
	err = command.Run(ctx, command.Cmd{
		Name:   "mmdebstrap",
		Args:   mmdebstrapArgs(plan.Spec, packages, filepath.Join(dir, rootFSName), list),
		Env:    []string{"TMPDIR=" + work.Path(), "LC_ALL=C"},
		Stderr: stderr,
	})
	_ = stderr.Close()
	if err != nil {
		return fmt.Errorf("bootstrapping %s: %w", plan.Spec.Release, err)
	}
	return nil
}

// mmdebstrapArgs returns the arguments with which mmdebstrap makes the tar
// target from a spec.
func mmdebstrapArgs(s Spec, packages []string, target, sources string) []string {
	return []string{
		"--variant=apt",
		"--format=tar",
		"--architectures=" + s.Architecture,
		"--include=" + strings.Join(packages, ","),
		`--aptopt=APT::Install-Recommends "false"`,
		// What is made here is thrown away if the host loses power.
		"--dpkgopt=force-unsafe-io",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-include=/usr/share/doc/*/changelog.Debian.gz",
		"--dpkgopt=path-include=/usr/share/doc/*/changelog.gz",
		"--customize-hook=" + changelogs,
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
		"--dpkgopt=path-exclude=/usr/share/info/*",
		// Java's postinst wants a directory that the exclusion leaves out.
		"--setup-hook=mkdir -p \"$1\"/usr/share/man/man1",
		s.Release, target, sources,
	}
}
