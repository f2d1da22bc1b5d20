package harden

import (
	"slices"
	"strings"
)

// Unwanted returns the installed packages that a production image does without.
func (s Survey) Unwanted() []string {
	names := slices.DeleteFunc(slices.Clone(s.Packages), func(name string) bool { return !s.Distro.IsBuildTool(name) })
	slices.Sort(names)
	return names
}

// missing returns what makes the difference of a production image and is not there.
func (s Survey) missing() []string {
	return slices.DeleteFunc(slices.Clone(s.Distro.Packages.Production), func(name string) bool { return slices.Contains(s.Packages, name) })
}

// units returns what starts at boot in production.
func (s Survey) units() []string { return slices.Concat(s.Distro.Units, s.Release.Units) }

// purge removes packages and what nobody needs without them. apt decides what
// goes, dpkg removes it in one pass, which takes an emulated machine a third of
// the time that apt takes. The disk is thrown away when we fail, so nothing is
// synced in between.
func purge(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "apt-get -s purge --autoremove \\\n    " + strings.Join(names, " \\\n    ") + " >/run/amigo-production.plan\n" +
		"sed -n 's/^Purg \\([^ ]*\\).*/\\1/p' /run/amigo-production.plan |\n" +
		"    xargs dpkg --purge --force-depends --force-unsafe-io\n" +
		"apt-get -qq check\n"
}

func install(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "apt-get update -qq\n" +
		"apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 " + strings.Join(names, " ") + "\n"
}
