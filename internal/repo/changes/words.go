package changes

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Number writes a count with its thousands apart: "11,482,003".
func Number(n int64) string { return humanize.Comma(n) }

// Short returns as much of a commit as people read, or "" of none.
func Short(commit string) string { return commit[:min(len(commit), 7)] }

func signed(n int64, say func(int64) string) string {
	if n < 0 {
		return "-" + say(-n)
	}
	return "+" + say(n)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + many
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// step says how a word became another: "a -> b", or "a (same)".
func step(old, now string) string {
	if old == now {
		return orUnknown(now) + " (same)"
	}
	return orUnknown(old) + " -> " + orUnknown(now)
}

// Data says what became of the release of the data.
func (g GOlr) Data() string { return step(g.Old.Date, g.New.Date) }

// DOI says what became of the identifier of the data.
func (g GOlr) DOI() string { return step(g.Old.DOI, g.New.DOI) }

// Documents says what became of their number.
func (g GOlr) Documents() string {
	text := Number(g.New.Documents)
	if more := g.New.Documents - g.Old.Documents; more != 0 {
		return text + " (" + signed(more, Number) + ")"
	}
	return text + " (same)"
}

// Software says what became of AmiGO, by commits if they are known.
func (a AmiGO) Software() string {
	if a.Old.Commit == "" || a.New.Commit == "" {
		return step(a.Old.Version, a.New.Version)
	}
	if a.Old.Version != a.New.Version {
		return step(a.Old.Version+" "+Short(a.Old.Commit), a.New.Version+" "+Short(a.New.Commit))
	}
	return step(Short(a.Old.Commit), Short(a.New.Commit))
}

// Distance says how many commits lie between, or "".
func (a AmiGO) Distance() string {
	switch {
	case a.Commits == nil:
		return ""
	case a.Gone == nil:
		return a.Commits.number()
	case a.Commits.Count == 0:
		return a.Gone.number() + " back"
	default:
		return a.Commits.number() + ", " + plural(a.Gone.Count, "is gone", "are gone")
	}
}

func (c Commits) number() string {
	if c.More {
		return Number(int64(c.Count)) + " or more commits"
	}
	return plural(c.Count, "commit", "commits")
}

// Doubt says what else there is to know of the commits, or "".
func (a AmiGO) Doubt() string {
	switch {
	case a.Unknown != "":
		return "commits are not known: " + a.Unknown
	case a.Gone != nil && a.Commits != nil && a.Commits.Count > 0:
		return Short(a.Old.Commit) + " is not in the history of " + Short(a.New.Commit) + ": rebased, or another branch"
	default:
		return ""
	}
}

// Summary says what became of the packages: "2 security, 9 other, 4 new, 0 removed".
func (p Packages) Summary() string {
	if !p.Known {
		return "not known: one side has no list of packages"
	}
	if len(p.Added)+len(p.Removed)+len(p.Changed) == 0 {
		return "the same"
	}
	security, _ := p.Security()
	var parts []string
	if n := p.downgrades(); n > 0 {
		parts = append(parts, plural(n, "downgrade", "downgrades"))
	}
	if len(security) == 0 && p.Unknown() > 0 {
		parts = append(parts, fmt.Sprintf("%d changed", len(p.Changed)-p.downgrades()))
	} else {
		parts = append(parts, fmt.Sprintf("%d security, %d other", len(security), len(p.Changed)-p.downgrades()-len(security)))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d new, %d removed", len(p.Added), len(p.Removed))), ", ")
}

func (p Packages) downgrades() int {
	n := 0
	for _, change := range p.Changed {
		if change.Downgrade {
			n++
		}
	}
	return n
}

// Doubt says for how much of the packages security fixes are not known, or "".
func (p Packages) Doubt() string {
	unknown := p.Unknown()
	switch {
	case !p.Known || unknown == 0:
		return ""
	case unknown == len(p.Changed):
		return "security fixes are not known: no changelogs"
	default:
		return fmt.Sprintf("security fixes are not known for %d of %d: no changelogs", unknown, len(p.Changed))
	}
}

// note says what there is to say of a change besides the versions, of its CVE
// numbers those in cves.
func (c Change) note(cves string) string {
	if !c.Downgrade {
		return join(only(c.Variants), cves)
	}
	if cves != "" {
		cves = "opens " + cves
	}
	return join(only(c.Variants), "downgrade", cves)
}

func join(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// only says in which variants something is, if not in all.
func only(variants []string) string {
	if len(variants) == 0 {
		return ""
	}
	return "(" + strings.Join(variants, ",") + ")"
}
