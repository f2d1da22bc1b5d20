package harden

import (
	"path"
	"slices"
	"strings"
)

// buildTools are the packages that build software and serve nothing, as
// patterns of path.Match. What only they needed goes with them.
var buildTools = []string{
	"nodejs", "nodejs-doc", "npm", "node-*", "libnode*",
	"git", "git-man", "mercurial", "subversion",
	"make", "cmake", "build-essential", "dpkg-dev", "debhelper", "fakeroot",
	"gcc", "gcc-[0-9]*", "g++", "g++-*", "cpp", "cpp-*", "clang*", "binutils*",
	"autoconf", "automake", "libtool", "m4", "bison", "flex", "patch",
	"*-dev", "libc-dev-bin", "linux-headers-*", "openjdk-*-jdk*", "default-jdk*", "maven",
	"rsync", "gdb", "strace",
}

// kept are packages that look like build tools and are not: gcc-12-base is
// the C library's.
var kept = []string{"gcc-*-base"}

// needed are the packages that make the difference of a production image.
var needed = []string{"cloud-init", "nftables", "unattended-upgrades"}

// serving are packages that must have survived every change, if they were there.
var serving = []string{
	"apache2", "jetty9", "default-jre-headless", "starman", "perl", "libcgi-application-perl",
	"openssh-server", "systemd", "systemd-resolved", "sudo", "linux-image-*",
	"cloud-init", "nftables", "unattended-upgrades",
}

// Unwanted returns those of the installed packages that a production image
// does without.
func Unwanted(installed []string) []string {
	return slices.DeleteFunc(matching(buildTools, installed), func(name string) bool { return matches(kept, name) })
}

func protected(installed []string) []string {
	names := append(matching(serving, installed), needed...)
	slices.Sort(names)
	return slices.Compact(names)
}

func missing(installed []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(installed, name) })
}

func matching(patterns, names []string) []string {
	var found []string
	for _, name := range names {
		if matches(patterns, name) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

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
