package manifest

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ParseChangelogs reads what an image keeps of its packages' changelogs: for
// each a line "@package version", then, in the order of the changelog, a line
// "source (version)" for each entry and one for each CVE number in it.
// Packages that are not installed in just that version are left out: the
// changelog of another version says nothing of this one.
func ParseChangelogs(r io.Reader, installed []Package) ([]Changelog, error) {
	versions := map[string]string{}
	for _, p := range installed {
		versions[p.Name] = p.Version
	}
	var logs []Changelog
	var current *Changelog
	keep := func() {
		if current != nil && current.Source != "" {
			logs = share(logs, *current)
		}
	}
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		line := scanner.Text()
		name, ofPackage := strings.CutPrefix(line, "@")
		switch {
		case ofPackage:
			keep()
			name, version, _ := strings.Cut(name, " ")
			current = nil
			if is, ok := versions[name]; ok && is == version {
				current = &Changelog{Packages: []string{name}}
			}
		case current != nil:
			current.read(line)
		}
	}
	keep()
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading changelogs: %w", err)
	}
	return logs, nil
}

// read takes a line of a changelog. CVE numbers before the first entry belong
// to none.
func (c *Changelog) read(line string) {
	if strings.HasPrefix(line, "CVE-") {
		c.addCVE(line)
		return
	}
	source, version, ok := strings.Cut(line, " (")
	version = strings.TrimSuffix(version, ")")
	if !ok || version == "" || len(strings.Fields(source)) != 1 || len(strings.Fields(version)) != 1 {
		return
	}
	if c.Source == "" {
		c.Source, c.Version = source, version
	}
	c.Oldest = version
}

func (c *Changelog) addCVE(number string) {
	if c.Source == "" || len(strings.Fields(number)) != 1 {
		return
	}
	if n := len(c.Fixes); n == 0 || c.Fixes[n-1].Version != c.Oldest {
		c.Fixes = append(c.Fixes, Fix{Version: c.Oldest})
	}
	fix := &c.Fixes[len(c.Fixes)-1]
	if !slices.Contains(fix.CVEs, number) {
		fix.CVEs = append(fix.CVEs, number)
	}
}

// share adds a changelog, or its package to one that is the same.
func share(logs []Changelog, one Changelog) []Changelog {
	for i := range logs {
		known := &logs[i]
		if known.Source == one.Source && known.Version == one.Version && known.Oldest == one.Oldest &&
			slices.EqualFunc(known.Fixes, one.Fixes, func(a, b Fix) bool { return a.Version == b.Version && slices.Equal(a.CVEs, b.CVEs) }) {
			known.Packages = append(known.Packages, one.Packages...)
			slices.Sort(known.Packages)
			return logs
		}
	}
	return append(logs, one)
}
