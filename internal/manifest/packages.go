package manifest

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Package is an installed package.
type Package struct{ Name, Version, Architecture string }

// String returns the package as a line of packages.txt.
func (p Package) String() string { return p.Name + " " + p.Version + " " + p.Architecture }

// ParsePackages reads lines of name, version and architecture.
func ParsePackages(r io.Reader) ([]Package, error) {
	var packages []Package
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("reading packages: %q is not a name, a version and an architecture", line)
		}
		packages = append(packages, Package{fields[0], fields[1], fields[2]})
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading packages: %w", err)
	}
	return packages, nil
}

// FormatPackages returns the content of packages.txt, sorted by name and
// architecture.
func FormatPackages(packages []Package) string {
	sorted := slices.SortedFunc(slices.Values(packages), func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture))
	})
	var out strings.Builder
	for _, p := range sorted {
		out.WriteString(p.String() + "\n")
	}
	return out.String()
}
