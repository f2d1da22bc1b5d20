package bootstrap

import (
	"cmp"
	"context"
	"fmt"
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

func (p Package) compare(q Package) int {
	return cmp.Or(strings.Compare(p.Name, q.Name), strings.Compare(p.Version, q.Version))
}

// Resolution is a spec with everything decided.
type Resolution struct {
	Spec     Spec
	Sources  []string  // where they come from, as the package manager has it
	Packages []Package // all that will be installed, sorted by name
}

// UnreachableError says that the package archive can't be used.
type UnreachableError struct {
	Release string
	Host    bool // this host's own lists of packages may be the reason
	Err     error
}

func (e *UnreachableError) Error() string {
	try := "another mirror"
	if e.Host {
		try = "apt-get update on this host, or " + try
	}
	return fmt.Sprintf("the package archive of %s can't be used: %v (try: %s)", e.Release, e.Err, try)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *UnreachableError) Fault() fault.Report {
	report := fault.Report{What: e.Error(), Code: fault.Network}
	if e.Host {
		report.Try = fault.To(fault.UpdateLists)
	}
	return report
}

// Resolve asks the package archive which versions s gives today.
func Resolve(ctx context.Context, c cache.Dir, s Spec) (Resolution, error) {
	plan := Resolution{Spec: s}
	g, err := s.guest()
	if err != nil {
		return plan, err
	}
	from := g.archive()
	if plan.Sources, err = from.sources(ctx, s); err != nil {
		return plan, err
	}
	if plan.Packages, err = from.resolve(ctx, c, plan); err != nil {
		return plan, err
	}
	if len(plan.Packages) == 0 {
		return plan, fmt.Errorf("resolving packages of %s: %s names none", s.Release, g.Manager.Name)
	}
	slices.SortFunc(plan.Packages, Package.compare)
	return plan, nil
}

// Key returns the digest of the package set. Plans with the same key give the
// same root file system.
func (p Resolution) Key() string {
	parts := []string{recipeOf(p.Spec), p.Spec.Distribution, p.Spec.Release, p.Spec.Architecture, strings.Join(p.Sources, "\n")}
	for _, pkg := range p.Packages {
		parts = append(parts, pkg.Name, pkg.Version)
	}
	return cache.Key(parts...)
}

func recipeOf(s Spec) string {
	g, err := s.guest()
	if err != nil {
		return ""
	}
	return g.archive().recipe(g)
}
