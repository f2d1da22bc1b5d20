package changes

import (
	"regexp"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// fixes returns the CVE numbers that lie between the two versions of a change,
// and whether the changelogs tell all of them.
func fixes(c Change, old, now []manifest.Changelog) (cves []string, known bool) {
	was := c.Was
	if was == "" {
		was = c.Name
	}
	before, after := changelog(old, was), changelog(now, c.Name)
	since, until := c.Old, c.New
	if c.Downgrade {
		before, after, since, until = after, before, until, since
	}
	if after == nil {
		return nil, false
	}
	since, ok := begin(before, after, since, until)
	if !ok {
		return nil, false
	}
	for _, fix := range after.Fixes {
		if CompareVersions(fix.Version, since) > 0 {
			cves = append(cves, fix.CVEs...)
		}
	}
	return newestFirst(cves), CompareVersions(after.Oldest, since) <= 0
}

// newestFirst sorts CVE numbers, which are in parts like versions.
func newestFirst(cves []string) []string {
	slices.SortFunc(cves, func(a, b string) int { return CompareVersions(b, a) })
	return slices.Compact(cves)
}

// begin returns the version of the source package that the older side has.
// Not every package has its source's version: what can't be told is not known.
func begin(before, after *manifest.Changelog, since, until string) (string, bool) {
	switch {
	case before != nil && before.Source == after.Source:
		return before.Version, CompareVersions(before.Version, after.Version) < 0
	case rebuild.ReplaceAllString(until, "") == after.Version:
		return since, true
	default:
		return "", false
	}
}

// rebuild ends the version of a package that was built again from the same
// source.
var rebuild = regexp.MustCompile(`\+b[0-9]+$`)

func changelog(logs []manifest.Changelog, name string) *manifest.Changelog {
	for i := range logs {
		if slices.Contains(logs[i].Packages, name) {
			return &logs[i]
		}
	}
	return nil
}
