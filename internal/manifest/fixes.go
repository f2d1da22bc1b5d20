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
		line := scanner.Text()
		var err error
		if strings.HasPrefix(line, " ") {
			err = addFix(logs, strings.Fields(line))
		} else {
			logs, err = addChangelog(logs, line)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", FixesName, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", FixesName, err)
	}
	return logs, nil
}

func addChangelog(logs []Changelog, line string) ([]Changelog, error) {
	head, packages, ok := strings.Cut(line, ": ")
	fields, names := strings.Fields(head), strings.Fields(packages)
	if !ok || len(fields) != 3 || len(names) == 0 {
		return nil, fmt.Errorf("%.80q is not a source, two versions and packages", line)
	}
	return append(logs, Changelog{Source: fields[0], Version: fields[1], Oldest: fields[2], Packages: names}), nil
}

func addFix(logs []Changelog, fields []string) error {
	if len(logs) == 0 || len(fields) < 2 {
		return fmt.Errorf("%.80q is not a version and CVE numbers of a changelog", fields)
	}
	log := &logs[len(logs)-1]
	log.Fixes = append(log.Fixes, Fix{Version: fields[0], CVEs: fields[1:]})
	return nil
}
