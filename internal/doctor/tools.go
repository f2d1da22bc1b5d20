package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// programs are what builds run on the host.
var programs = []string{
	"mmdebstrap", "apt-get", "bwrap", "tar", "git", "mvn", "npm",
	"sfdisk", "mke2fs", "mkfs.vfat", "mmd", "mcopy",
	"qemu-img", arch.Own().Emulator(),
}

// tools looks for every program, so that one command installs all.
func tools(context.Context, Host) Finding {
	var names, packages []string
	for _, name := range programs {
		var lost *command.MissingError
		if _, err := command.Look(name); errors.As(err, &lost) {
			names = append(names, lost.Name)
			packages = append(packages, lost.Package)
		}
	}
	if len(names) == 0 {
		return ok("%d programs", len(programs))
	}
	slices.Sort(packages)
	return missing(install(slices.Compact(packages)...), "no %s", strings.Join(names, ", "))
}

func install(packages ...string) string {
	return "apt-get install " + strings.Join(packages, " ")
}

// namespaces enters a sandbox as builds do, and where we are not root the
// namespace in which mmdebstrap plays it.
func namespaces(ctx context.Context, h Host) Finding {
	err := command.Run(ctx, command.Cmd{Name: "bwrap", Args: []string{
		"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
		"--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--die-with-parent", "true",
	}})
	if err != nil {
		r := missing(allowNamespaces(), "bwrap: %s", reason(err))
		r.Cost = "AmiGO's JavaScript is built in the guest, ten times slower"
		r.State = Slow
		return r
	}
	if os.Geteuid() == 0 {
		return ok("sandbox entered, as root")
	}
	if err := stranger(ctx, "true"); err != nil {
		return missing("the same command as root, or "+install("uidmap"), "mmdebstrap: %s", reason(err))
	}
	return workspace(ctx, h.Cache.Path())
}

// workspace looks whether mmdebstrap can enter where it is to work.
func workspace(ctx context.Context, cache string) Finding {
	const elsewhere = "export TMPDIR=DIR"
	// A build makes it, too, and only of what is there its place is known.
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return missing("export XDG_CACHE_HOME=DIR", "%v", err)
	}
	dir, err := bootstrap.Workspace(cache)
	if err != nil {
		return missing(elsewhere, "%s", reason(err))
	}
	defer dir.Close()
	if err := stranger(ctx, "env", "--chdir="+dir.Path(), "true"); err != nil {
		return missing(elsewhere, "not open to others: %s", reason(err))
	}
	return ok("sandbox entered, as a user; bases are made in %s", filepath.Dir(dir.Path()))
}

// stranger runs a program as mmdebstrap works where we are not root: as a
// subordinate id.
func stranger(ctx context.Context, args ...string) error {
	return command.Run(ctx, command.Cmd{Name: "mmdebstrap", Args: append([]string{"--unshare-helper"}, args...)})
}

// allowNamespaces is what lets users have namespaces: Ubuntu since 23.10 keeps
// them away by AppArmor, Debian before 11 did by a setting of its own.
func allowNamespaces() string {
	const restricted = "kernel.apparmor_restrict_unprivileged_userns"
	value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(restricted, ".", "/"))
	if err == nil && strings.TrimSpace(string(value)) == "1" {
		return "sysctl -w " + restricted + "=0"
	}
	return "sysctl -w kernel.unprivileged_userns_clone=1"
}

// archive asks the package archive what a build would install.
func archive(ctx context.Context, h Host) Finding {
	d := distro.Standard()
	plan, err := bootstrap.Resolve(ctx, h.Cache, bootstrap.Spec{Distribution: d.Name, Release: d.Default, Architecture: arch.Own().Name})
	if err != nil {
		return missing("apt-get update", "%s", reason(err))
	}
	return ok("%s %s, %d packages for a small system", d.Name, d.Default, len(plan.Packages))
}

// reason returns the line of an error that says most: apt's first error, which is
// the cause of the others, or else a tool's own last word.
func reason(err error) string {
	lines := strings.Split(strings.TrimSpace(fault.Plain(err)), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "E: ") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
