package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// keyring is where Debian's package debian-archive-keyring has its keys.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Package is a package at an exact version.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Resolution is a spec with everything decided.
type Resolution struct {
	Spec     Spec
	Sources  []string  // lines of an apt sources.list
	Packages []Package // all that will be installed, sorted by name
}

// UnreachableError says that the package archive can't be used.
type UnreachableError struct {
	Release string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the package archive of %s can't be used: %v (try: apt-get update on this host, or another mirror)", e.Release, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *UnreachableError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Network, Try: fault.To(fault.UpdateLists)}
}

// Resolve asks the package archive which versions s gives today.
func Resolve(ctx context.Context, c cache.Dir, s Spec) (Resolution, error) {
	lines, err := sources(ctx, s)
	if err != nil {
		return Resolution{Spec: s}, err
	}
	return resolve(ctx, c, s, lines)
}

// resolve asks the archives that the lines of a sources.list name.
func resolve(ctx context.Context, c cache.Dir, s Spec, lines []string) (Resolution, error) {
	plan := Resolution{Spec: s, Sources: lines}
	// apt-get does not wait for another one that updates the same lists.
	unlock, err := c.Lock(ctx, "apt")
	if err != nil {
		return plan, err
	}
	defer unlock()
	apt, err := newApt(ctx, c, plan.Sources)
	if err != nil {
		return plan, err
	}
	defer apt.close()
	if _, err := apt.run(ctx, "update"); err != nil {
		return plan, &UnreachableError{Release: s.Release, Err: err}
	}
	state, err := apt.digest()
	if err != nil {
		return plan, err
	}
	// Simulating takes seconds, and the same lists give the same versions.
	key := cache.Key(append([]string{recipe, state}, s.packages()...)...)
	dir, _, err := c.Get(ctx, "plan", key, func(dir string) error {
		return simulate(ctx, apt, s, filepath.Join(dir, planName))
	})
	if err != nil {
		return plan, err
	}
	out, err := os.ReadFile(filepath.Join(dir, planName))
	if err != nil {
		return plan, fmt.Errorf("reading a plan: %w", err)
	}
	if plan.Packages = parseSimulation(string(out)); len(plan.Packages) == 0 {
		return plan, fmt.Errorf("resolving packages of %s: apt-get names none", s.Release)
	}
	return plan, nil
}

// planName is the name of apt-get's simulation in its cache entry.
const planName = "simulation"

func simulate(ctx context.Context, a *apt, s Spec, path string) error {
	args := append([]string{"install", "--simulate", "--no-install-recommends", "?essential", "apt"}, s.packages()...)
	out, err := a.run(ctx, args...)
	if err != nil {
		return fmt.Errorf("resolving packages of %s: %w", s.Release, err)
	}
	if err := os.WriteFile(path, out, 0o644); err != nil {
		return fmt.Errorf("keeping a plan: %w", err)
	}
	return nil
}

// Key returns the digest of the package set. Plans with the same key give the
// same root file system.
func (p Resolution) Key() string {
	parts := []string{recipe, p.Spec.Distribution, p.Spec.Release, strings.Join(p.Sources, "\n")}
	for _, pkg := range p.Packages {
		parts = append(parts, pkg.Name, pkg.Version)
	}
	return cache.Key(parts...)
}

// sources returns the apt sources to install from. Of the host's own sources
// it takes those of the release and its updates; others, such as a vendor's,
// have no place in an image. Where the host has none, as Ubuntu, or none of the
// security fixes, it gets Debian's: what is installed later comes from there,
// too. A mirror takes the place of the release's own.
func sources(ctx context.Context, s Spec) ([]string, error) {
	if _, err := os.Stat(keyring); err != nil {
		return nil, &command.MissingError{Name: keyring, Package: "debian-archive-keyring"}
	}
	out, err := command.Output(ctx, command.Cmd{Name: "apt-get", Args: []string{
		"indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ARCHITECTURE)", "Created-By: Packages",
	}})
	if err != nil {
		return nil, fmt.Errorf("reading this host's apt sources: %w", err)
	}
	lines := selectSources(string(out), s.Release)
	for _, line := range lines {
		if err := checkArchive(strings.Fields(line)[2]); err != nil {
			return nil, fmt.Errorf("this host's apt sources: %w", err)
		}
	}
	if !slices.ContainsFunc(lines, isSuite(s.Release+"-security")) {
		debian, err := debianSources(ctx, s.Release)
		if err != nil {
			return nil, err
		}
		lines = complete(lines, debian, s.Release)
	}
	if s.Mirror != "" {
		lines = slices.DeleteFunc(lines, isSuite(s.Release))
		lines = slices.Insert(lines, 0, fmt.Sprintf("deb [signed-by=%s] %s %s main", keyring, s.Mirror, s.Release))
	}
	return lines, nil
}

// isSuite tells which lines are of a suite.
func isSuite(suite string) func(line string) bool {
	return func(line string) bool { return strings.Fields(line)[3] == suite }
}

// complete adds the security fixes to a host's lines, or everything to none.
func complete(lines, debian []string, release string) []string {
	if len(lines) == 0 {
		return debian
	}
	for _, line := range debian {
		if isSuite(release + "-security")(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// debianSources asks mmdebstrap where Debian's own archive is. What a hook
// writes comes out as an error would.
func debianSources(ctx context.Context, release string) ([]string, error) {
	work, err := Workspace()
	if err != nil {
		return nil, err
	}
	defer work.Close()
	var said strings.Builder
	err = command.Run(ctx, command.Cmd{
		Name: "mmdebstrap", Env: []string{"TMPDIR=" + work.Path(), "LC_ALL=C"}, Stderr: &said,
		Args: []string{
			"--quiet", "--variant=custom", "--skip=update,cleanup", "--format=null",
			`--setup-hook=cat "$1"/etc/apt/sources.list`, release, "/dev/null",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("asking for Debian's archive: %w", err)
	}
	lines := parseSources(said.String())
	if len(lines) == 0 {
		return nil, &UnreachableError{Release: release, Err: errors.New("no apt source of this host is for it, and mmdebstrap knows none")}
	}
	return lines, nil
}

var sourceLine = regexp.MustCompile(`(?m)^deb +(?:\[[^]\n]*\] +)?([^\s[]\S* +\S+(?: +\S+)+)$`)

// parseSources returns the sources of a sources.list, with Debian's keys in
// the place of what else they trust.
func parseSources(list string) []string {
	var lines []string
	for _, found := range sourceLine.FindAllStringSubmatch(list, -1) {
		lines = append(lines, fmt.Sprintf("deb [signed-by=%s] %s", keyring, found[1]))
	}
	return lines
}

// selectSources turns apt's list of its targets (URI, suite, component and
// architecture on a line) into sources of one release.
func selectSources(targets, release string) []string {
	suites := []string{release, release + "-updates", release + "-security"}
	var lines []string
	for line := range strings.Lines(targets) {
		field := strings.Fields(line)
		if len(field) != 4 || field[3] != "amd64" || !slices.Contains(suites, field[1]) {
			continue
		}
		lines = append(lines, fmt.Sprintf("deb [signed-by=%s] %s %s %s", keyring, field[0], field[1], field[2]))
	}
	return lines
}

// apt is apt-get on a state of its own: nothing of the host's is read or
// changed but its configuration.
type apt struct {
	state string       // lists, kept between runs
	dir   *scratch.Dir // the rest
}

func newApt(ctx context.Context, c cache.Dir, sources []string) (*apt, error) {
	// Unlike others this entry changes, under the lock of all of apt.
	state, _, err := c.Get(ctx, "apt", cache.Key(sources...), func(dir string) error {
		return os.MkdirAll(filepath.Join(dir, "lists", "partial"), 0o755)
	})
	if err != nil {
		return nil, fmt.Errorf("making apt's directories: %w", err)
	}
	dir, err := scratch.New(os.TempDir(), "apt")
	if err != nil {
		return nil, err
	}
	list := strings.Join(sources, "\n") + "\n"
	if err := os.WriteFile(dir.Path("sources.list"), []byte(list), 0o644); err != nil {
		dir.Close()
		return nil, fmt.Errorf("writing apt's sources: %w", err)
	}
	return &apt{state: state, dir: dir}, nil
}

func (a *apt) run(ctx context.Context, args ...string) ([]byte, error) {
	options := []string{
		"-o", "Dir::State::lists=" + filepath.Join(a.state, "lists"),
		"-o", "Dir::State::status=/dev/null",
		"-o", "Dir::State::extended_states=/dev/null",
		"-o", "Dir::Cache=" + a.dir.Path(),
		"-o", "Dir::Etc::sourcelist=" + a.dir.Path("sources.list"),
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::Etc::preferencesparts=/dev/null",
		"-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64",
		"-o", "APT::Sandbox::User=", // the cache may be in a home that _apt can't enter
		"-o", "APT::Update::Error-Mode=any",
		"-q",
	}
	return command.Output(ctx, command.Cmd{Name: "apt-get", Args: append(options, args...), Env: []string{"LC_ALL=C"}})
}

// digest returns the digest of the archive's signed index of today, which
// names the digests of all package lists.
func (a *apt) digest() (string, error) {
	paths, err := filepath.Glob(filepath.Join(a.state, "lists", "*Release"))
	if err != nil {
		return "", fmt.Errorf("reading package lists: %w", err)
	}
	slices.Sort(paths)
	parts := make([]string, len(paths))
	for i, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading package lists: %w", err)
		}
		parts[i] = string(content)
	}
	return cache.Key(parts...), nil
}

func (a *apt) close() { a.dir.Close() }

// installed is a line of "apt-get --simulate install":
// Inst NAME (VERSION ARCHIVE...
var installed = regexp.MustCompile(`(?m)^Inst (\S+) \((\S+)`)

func parseSimulation(out string) []Package {
	var packages []Package
	for _, match := range installed.FindAllStringSubmatch(out, -1) {
		packages = append(packages, Package{Name: match[1], Version: match[2]})
	}
	slices.SortFunc(packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return packages
}
