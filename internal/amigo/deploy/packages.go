package deploy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
)

// Missing returns those of the packages that a guest lacks.
func (f Facts) Missing(packages []string) []string {
	return slices.DeleteFunc(slices.Clone(packages), func(name string) bool {
		return slices.Contains(f.Installed, name)
	})
}

// Install installs packages with the guest's own apt sources.
func Install(ctx context.Context, guest remote.Runner, packages []string, out io.Writer) error {
	script := "export DEBIAN_FRONTEND=noninteractive\napt-get update -qq\napt-get install -qq -y --no-install-recommends " + strings.Join(packages, " ")
	if err := guest.Run(ctx, remote.Command{Script: script, Stdout: out, Stderr: out}); err != nil {
		return fmt.Errorf("installing %s in the guest: %w", strings.Join(packages, ", "), err)
	}
	return nil
}

// Authorities is where a guest has the certificate authorities that it trusts
// for the time of a build, but for their number and ".crt".
const Authorities = "/usr/local/share/ca-certificates/amigo-build-"

// Trust makes a guest trust certificate authorities, given as PEM texts.
func Trust(ctx context.Context, guest remote.Runner, authorities []string) error {
	var b strings.Builder
	for i, text := range authorities {
		fmt.Fprintf(&b, "cat >%s%d.crt <<'END'\n%s\nEND\n", Authorities, i+1, strings.TrimSpace(text))
	}
	b.WriteString("if command -v update-ca-certificates >/dev/null; then update-ca-certificates >/dev/null; fi\n")
	if err := guest.Run(ctx, remote.Command{Script: b.String()}); err != nil {
		return fmt.Errorf("making the guest trust certificate authorities: %w", err)
	}
	return nil
}
