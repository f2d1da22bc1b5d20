// Package keep decides which versions stay, by the rules of restic's forget
// (https://restic.readthedocs.io/en/stable/060_forget.html). It is pure: it
// removes nothing.
package keep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// All as a count keeps one version of every period there is.
const All = -1

// Policy says how many versions stay. A version stays if any rule keeps it. A
// policy without rules keeps all.
type Policy struct {
	Last    int // the newest ones
	Hourly  int // the newest of each of so many hours that have one; so on below
	Daily   int
	Weekly  int // weeks of ISO 8601
	Monthly int
	Yearly  int
	Within  Span // all that are not older than this before the newest
}

// Empty tells whether the policy has no rule.
func (p Policy) Empty() bool { return p == Policy{} }

// Check returns every rule that keeps no number of versions.
func (p Policy) Check() error {
	var faults []error
	for _, rule := range []struct {
		name  string
		count int
	}{
		{"last", p.Last}, {"hourly", p.Hourly}, {"daily", p.Daily}, {"weekly", p.Weekly}, {"monthly", p.Monthly}, {"yearly", p.Yearly},
	} {
		if rule.count < -1 {
			faults = append(faults, fmt.Errorf("%s: %d is neither a number of versions nor -1 for all", rule.name, rule.count))
		}
	}
	return errors.Join(faults...)
}

// Version is what a decision is about.
type Version struct {
	Name string
	Time time.Time // rules count in UTC
	Held []string  // reasons to keep it whatever the policy says
}

// Decision says what becomes of a version, and why.
type Decision struct {
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Keep    bool      `json:"keep"`
	Reasons []string  `json:"reasons"`
}

// Apply decides on all versions. It returns the newest first.
func Apply(versions []Version, policy Policy) []Decision {
	sorted := slices.SortedStableFunc(slices.Values(versions), func(a, b Version) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Name, a.Name))
	})
	rules := policy.rules(sorted)
	decisions := make([]Decision, len(sorted))
	for i, v := range sorted {
		reasons := slices.Clone(v.Held)
		for _, r := range rules {
			if reason, ok := r(v.Time.UTC(), i); ok {
				reasons = append(reasons, reason)
			}
		}
		decisions[i] = Decision{Version: v.Name, Time: v.Time, Keep: len(reasons) > 0, Reasons: reasons}
		if !decisions[i].Keep {
			decisions[i].Reasons = []string{"no rule keeps it"}
		}
	}
	return decisions
}

// rule tells whether it keeps the version at place i, and why. It is asked
// once for each version, the newest first.
type rule func(at time.Time, i int) (reason string, keep bool)

func (p Policy) rules(sorted []Version) []rule {
	if p.Empty() {
		return []rule{func(time.Time, int) (string, bool) { return "no rule removes anything", true }}
	}
	var rules []rule
	for _, r := range []struct {
		name   string
		count  int
		period func(at time.Time, i int) string
	}{
		{"last", p.Last, func(_ time.Time, i int) string { return fmt.Sprint(i) }},
		{"hourly", p.Hourly, format("2006-01-02 15")},
		{"daily", p.Daily, format(time.DateOnly)},
		{"weekly", p.Weekly, week},
		{"monthly", p.Monthly, format("2006-01")},
		{"yearly", p.Yearly, format("2006")},
	} {
		if r.count != 0 {
			rules = append(rules, counted(r.name, r.count, len(sorted)-1, r.period))
		}
	}
	if p.Within != (Span{}) && len(sorted) > 0 {
		rules = append(rules, within(p.Within, sorted[0].Time))
	}
	return rules
}

func format(layout string) func(time.Time, int) string {
	return func(at time.Time, _ int) string { return at.Format(layout) }
}

func week(at time.Time, _ int) string {
	year, week := at.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// counted keeps the newest version of each of so many periods, and the oldest
// of all versions if there are fewer periods: history then grows to the length
// that was asked for.
func counted(name string, count, oldest int, period func(time.Time, int) string) rule {
	kept, last := 0, ""
	return func(at time.Time, i int) (string, bool) {
		this := period(at, i)
		if kept == count || this == last && i != oldest {
			return "", false
		}
		name := name
		if this == last {
			name = "oldest " + name
		}
		kept, last = kept+1, this
		if count < 0 {
			return name, true
		}
		return fmt.Sprintf("%s %d of %d", name, kept, count), true
	}
}

func within(span Span, newest time.Time) rule {
	since := span.Before(newest)
	return func(at time.Time, _ int) (string, bool) {
		return "within " + span.String(), at.After(since)
	}
}
