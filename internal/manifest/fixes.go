package manifest

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// FixesName is the name of the file that [FormatFixes] writes.
const FixesName = "cves.txt"

// SecurityFixes is the role of the file that [FormatFixes] writes.
const SecurityFixes Role = "cves"

// Changelog is what the Debian changelog of installed packages says of
// security fixes: which CVE numbers it names, and in which version's entry.
type Changelog struct {
	Source   string   // name of the source package
	Version  string   // of the newest entry
	Oldest   string   // version of the oldest entry: nothing is known before it
	Packages []string // installed packages that have this changelog, sorted
	Fixes    []Fix    // newest first; entries that name no CVE are left out
}

// Fix is an entry of a changelog that names CVE numbers.
type Fix struct {
	Version string
	CVEs    []string // like "CVE-2026-0001"
}

// FormatFixes returns the content of cves.txt, sorted by source: for each
// changelog a line "source version oldest: packages", then one indented line
// "version CVEs" for each fix.
func FormatFixes(logs []Changelog) string {
	sorted := slices.SortedFunc(slices.Values(logs), func(a, b Changelog) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Version, b.Version), slices.Compare(a.Packages, b.Packages))
	})
	var out strings.Builder
	for _, log := range sorted {
		fmt.Fprintf(&out, "%s %s %s: %s\n", log.Source, log.Version, log.Oldest, strings.Join(log.Packages, " "))
		for _, fix := range log.Fixes {
			fmt.Fprintf(&out, " %s %s\n", fix.Version, strings.Join(fix.CVEs, " "))
		}
	}
	return out.String()
}

// ParseFixes reads what [FormatFixes] writes.
func ParseFixes(r io.Reader) ([]Changelog, error) {
	var logs []Changelog
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20) // a kernel's entry names hundreds
	for scanner.Scan() {
		var err error
		if logs, err = withLine(logs, scanner.Text()); err != nil {
			return nil, fmt.Errorf("reading %s: %w", FixesName, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", FixesName, err)
	}
	return logs, nil
}

// withLine returns logs with a line of another changelog, or of a fix of the
// last one.
func withLine(logs []Changelog, line string) ([]Changelog, error) {
	if !strings.HasPrefix(line, " ") {
		log, err := parseChangelog(line)
		return append(logs, log), err
	}
	fields := strings.Fields(line)
	if len(logs) == 0 || len(fields) < 2 {
		return nil, fmt.Errorf("%.80q is not a version and CVE numbers of a changelog", fields)
	}
	before, last := logs[:len(logs)-1], logs[len(logs)-1]
	last.Fixes = append(last.Fixes, Fix{Version: fields[0], CVEs: fields[1:]})
	return append(before, last), nil
}

func parseChangelog(line string) (Changelog, error) {
	head, packages, ok := strings.Cut(line, ": ")
	fields, names := strings.Fields(head), strings.Fields(packages)
	if !ok || len(fields) != 3 || len(names) == 0 {
		return Changelog{}, fmt.Errorf("%.80q is not a source, two versions and packages", line)
	}
	return Changelog{Source: fields[0], Version: fields[1], Oldest: fields[2], Packages: names}, nil
}
