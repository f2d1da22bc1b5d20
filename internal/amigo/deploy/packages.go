package deploy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

// Missing returns those of the packages that a guest lacks.
func (f Facts) Missing(packages []string) []string {
	return slices.DeleteFunc(slices.Clone(packages), func(name string) bool {
		return slices.Contains(f.Installed, name)
	})
}

// Install installs packages with the guest's own package manager and archives.
func Install(ctx context.Context, guest remote.Runner, d *distro.Distro, packages []string, out io.Writer) error {
	script := "export DEBIAN_FRONTEND=noninteractive\n" + d.Manager.InstallPackages(packages)
	if err := guest.Run(ctx, remote.Command{Script: script, Stdout: out, Stderr: out}); err != nil {
		return fmt.Errorf("installing %s in the guest: %w", strings.Join(packages, ", "), err)
	}
	return nil
}

// ModulesError says which Perl modules a guest needs that no package of its distribution
// has.
type ModulesError struct {
	System  string
	Modules []string
}

func (e *ModulesError) Error() string {
	return fmt.Sprintf("the guest lacks Perl modules that %s has no package of: %s (try: cpanm in a provisioner before this one, see docs/guests.md)", e.System, strings.Join(e.Modules, ", "))
}

// CheckModules returns a [*ModulesError] if a guest lacks Perl modules of which its
// distribution has no packages.
func CheckModules(ctx context.Context, guest remote.Runner, d *distro.Distro) error {
	if len(d.Lacks) == 0 {
		return nil
	}
	var out strings.Builder
	script := `exec perl -e 'for (@ARGV) { print "$_\n" unless eval "require $_" }' ` + strings.Join(d.Lacks, " ")
	if err := guest.Run(ctx, remote.Command{Script: script, Stdout: &out}); err != nil {
		return fmt.Errorf("looking for Perl modules in the guest: %w", err)
	}
	if names := strings.Fields(out.String()); len(names) > 0 {
		return &ModulesError{System: d.Title, Modules: names}
	}
	return nil
}

// Trust makes a guest trust certificate authorities, given as PEM texts, for the time of a
// build: sealing removes them.
func Trust(ctx context.Context, guest remote.Runner, authorities []string) error {
	var b strings.Builder
	b.WriteString(distro.Prelude() + "mkdir -p \"$anchors\"\n")
	for i, text := range authorities {
		fmt.Fprintf(&b, "cat >\"$anchors\"/amigo-build-%d.crt <<'END'\n%s\nEND\n", i+1, strings.TrimSpace(text))
	}
	b.WriteString("if command -v ${update_anchors%% *} >/dev/null; then $update_anchors >/dev/null; fi\n")
	if err := guest.Run(ctx, remote.Command{Script: b.String()}); err != nil {
		return fmt.Errorf("making the guest trust certificate authorities: %w", err)
	}
	return nil
}
