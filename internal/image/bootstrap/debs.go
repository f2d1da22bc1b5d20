package bootstrap

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
)

// debs is an archive of Debian's kind.
type debs struct{}

// debsRecipe is changed by hand.
const debsRecipe = "2"

func (debs) recipe(guest) string { return debsRecipe }

func (debs) resolve(ctx context.Context, c cache.Dir, plan Resolution) ([]Package, error) {
	s := plan.Spec
	// apt-get does not wait for another one that updates the same lists.
	unlock, err := c.Lock(ctx, "apt")
	if err != nil {
		return nil, err
	}
	defer unlock()
	apt, err := newApt(ctx, c, s.Architecture, plan.Sources)
	if err != nil {
		return nil, err
	}
	defer apt.close()
	if _, err := apt.run(ctx, "update"); err != nil {
		return nil, &UnreachableError{Release: s.Release, Host: true, Err: err}
	}
	state, err := apt.digest()
	if err != nil {
		return nil, err
	}
	// Simulating takes seconds, and the same lists give the same versions.
	packages, err := s.packages()
	if err != nil {
		return nil, err
	}
	key := cache.Key(append([]string{debsRecipe, state, s.Architecture}, packages...)...)
	dir, _, err := c.Get(ctx, "plan", key, func(dir string) error {
		return simulate(ctx, apt, s, packages, filepath.Join(dir, planName))
	})
	if err != nil {
		return nil, err
	}
	out, err := os.ReadFile(filepath.Join(dir, planName))
	if err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	return parseSimulation(string(out)), nil
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

// installed is a line of "apt-get --simulate install":
// Inst NAME (VERSION ARCHIVE...
var installed = regexp.MustCompile(`(?m)^Inst (\S+) \((\S+)`)

func parseSimulation(out string) []Package {
	var packages []Package
	for _, match := range installed.FindAllStringSubmatch(out, -1) {
		packages = append(packages, Package{Name: match[1], Version: match[2]})
	}
	return packages
}
