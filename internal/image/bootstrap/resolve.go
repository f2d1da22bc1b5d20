package bootstrap

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

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
	apt, err := newApt(ctx, c, s.Architecture, plan.Sources)
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
	packages, err := s.packages()
	if err != nil {
		return plan, err
	}
	key := cache.Key(append([]string{recipe, state, s.Architecture}, packages...)...)
	dir, _, err := c.Get(ctx, "plan", key, func(dir string) error {
		return simulate(ctx, apt, s, packages, filepath.Join(dir, planName))
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

func simulate(ctx context.Context, a *apt, s Spec, packages []string, path string) error {
	args := append([]string{"install", "--simulate", "--no-install-recommends", "?essential", "apt"}, packages...)
	out, err := a.run(ctx, args...)
	if err != nil && !a.hasPackages() {
		return &LacksError{Release: s.Release, Architecture: s.Architecture, Err: err}
	}
	if err != nil {
		return lacking(s, fmt.Errorf("resolving packages of %s: %w", s.Release, err))
	}
	if err := os.WriteFile(path, out, 0o644); err != nil {
		return fmt.Errorf("keeping a plan: %w", err)
	}
	return nil
}

// Key returns the digest of the package set. Plans with the same key give the
// same root file system.
func (p Resolution) Key() string {
	parts := []string{recipe, p.Spec.Distribution, p.Spec.Release, p.Spec.Architecture, strings.Join(p.Sources, "\n")}
	for _, pkg := range p.Packages {
		parts = append(parts, pkg.Name, pkg.Version)
	}
	return cache.Key(parts...)
}

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
