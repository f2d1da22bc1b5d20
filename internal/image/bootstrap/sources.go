package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// sources returns the apt sources to install from. Of the host's own sources
// it takes those of the release and its updates; others, such as a vendor's,
// have no place in an image. Where the host has none, as Ubuntu, or none of the
// security fixes, it gets Debian's: what is installed later comes from there,
// too. A mirror takes the place of the release's own.
func (debs) sources(ctx context.Context, s Spec) ([]string, error) {
	g, err := s.guest()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(g.Keyring.File); err != nil {
		return nil, &command.MissingError{Name: g.Keyring.File, Package: g.Keyring.Package}
	}
	out, err := command.Output(ctx, command.Cmd{Name: "apt-get", Args: []string{
		"-o", "APT::Architecture=" + s.Architecture, "-o", "APT::Architectures=" + s.Architecture,
		"indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ARCHITECTURE)", "Created-By: Packages",
	}})
	if err != nil {
		return nil, fmt.Errorf("reading this host's apt sources: %w", err)
	}
	lines := g.selectSources(string(out))
	for _, line := range lines {
		if err := checkArchive(strings.Fields(line)[2]); err != nil {
			return nil, fmt.Errorf("this host's apt sources: %w", err)
		}
	}
	if security := g.release.Name + "-security"; !slices.ContainsFunc(lines, isSuite(security)) {
		own, err := g.ownSources(ctx)
		if err != nil {
			return nil, err
		}
		lines = complete(lines, own, security)
	}
	if s.Mirror != "" {
		lines = slices.DeleteFunc(lines, isSuite(g.release.Name))
		lines = slices.Insert(lines, 0, g.source(s.Mirror, g.release.Name, strings.Join(g.Components, " ")))
	}
	return lines, nil
}

// isSuite tells which lines are of a suite.
func isSuite(suite string) func(line string) bool {
	return func(line string) bool { return strings.Fields(line)[3] == suite }
}

// complete adds the security fixes to a host's lines, or everything to none.
func complete(lines, own []string, security string) []string {
	if len(lines) == 0 {
		return own
	}
	for _, line := range own {
		if isSuite(security)(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// ownSources asks mmdebstrap where the distribution's own archive is. What a hook
// writes comes out as an error would.
func (g guest) ownSources(ctx context.Context) ([]string, error) {
	work, err := Workspace()
	if err != nil {
		return nil, err
	}
	defer work.Close()
	var said strings.Builder
	err = command.Run(ctx, command.Cmd{
		Name: "mmdebstrap", Env: []string{"TMPDIR=" + work.Path(), "LC_ALL=C"}, Stderr: &said,
		Args: []string{
			"--quiet", "--variant=custom", "--skip=check/qemu,update,cleanup", "--format=null",
			"--architectures=" + g.architecture, "--components=" + strings.Join(g.Components, ","),
			`--setup-hook=cat "$1"/etc/apt/sources.list`, g.release.Name, "/dev/null",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("asking for the archive of %s: %w", g.Title, err)
	}
	lines := g.parseSources(said.String())
	if len(lines) == 0 {
		return nil, &UnreachableError{Release: g.release.Name, Host: true, Err: errors.New("no apt source of this host is for it, and mmdebstrap knows none")}
	}
	return lines, nil
}

var sourceLine = regexp.MustCompile(`(?m)^deb +(?:\[[^]\n]*\] +)?([^\s[]\S* +\S+(?: +\S+)+)$`)

// parseSources returns the sources of a sources.list, with the distribution's keys
// in the place of what else they trust.
func (g guest) parseSources(list string) []string {
	var lines []string
	for _, found := range sourceLine.FindAllStringSubmatch(list, -1) {
		lines = append(lines, g.source(found[1]))
	}
	return lines
}

// source is a line of a sources.list that trusts the distribution's keys.
func (g guest) source(words ...string) string {
	return "deb [signed-by=" + g.Keyring.File + "] " + strings.Join(words, " ")
}

// selectSources turns apt's list of its targets (URI, suite, component and
// architecture on a line) into sources of one release.
func (g guest) selectSources(targets string) []string {
	var lines []string
	for line := range strings.Lines(targets) {
		field := strings.Fields(line)
		if len(field) != 4 || field[3] != g.architecture || !slices.Contains(g.suites(), field[1]) {
			continue
		}
		lines = append(lines, g.source(field[:3]...))
	}
	return lines
}
