package keep

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func versions(t *testing.T, times ...string) []Version {
	t.Helper()
	var out []Version
	for _, text := range times {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Version{Name: text, Time: at})
	}
	return out
}

// days makes a version at noon of each of n days, the last one given.
func days(t *testing.T, last string, n int) []Version {
	t.Helper()
	list := versions(t, last+" 12:00")
	for i := 1; i < n; i++ {
		at := list[0].Time.AddDate(0, 0, -i)
		list = append(list, Version{Name: at.Format("2006-01-02 15:04"), Time: at})
	}
	return list
}

// kept returns a line for each version that stays.
func kept(decisions []Decision) []string {
	var lines []string
	for _, d := range decisions {
		if d.Keep {
			lines = append(lines, d.Version+": "+strings.Join(d.Reasons, ", "))
		}
	}
	return lines
}

// The cases follow the tables in restic's internal/data/snapshot_policy_test.go.
func TestApply(t *testing.T) {
	for _, test := range []struct {
		name     string
		versions []Version
		policy   Policy
		want     []string
	}{
		{"nothing", nil, Policy{Last: 3, Within: Span{Days: 1}}, nil},
		{"no rules", days(t, "2026-03-02", 1), Policy{}, []string{"2026-03-02 12:00: no rule removes anything"}},
		{"last", days(t, "2026-03-03", 4), Policy{Last: 2},
			[]string{"2026-03-03 12:00: last 1 of 2", "2026-03-02 12:00: last 2 of 2"}},
		{"the newest of a day", versions(t, "2026-03-02 08:00", "2026-03-02 20:00", "2026-03-01 09:00", "2026-03-01 03:00", "2026-02-27 01:00"), Policy{Daily: 2},
			[]string{"2026-03-02 20:00: daily 1 of 2", "2026-03-01 09:00: daily 2 of 2"}},
		{"days without a version do not count", versions(t, "2026-03-20 10:00", "2026-03-02 10:00", "2026-01-01 10:00", "2025-01-01 10:00"), Policy{Daily: 3},
			[]string{"2026-03-20 10:00: daily 1 of 3", "2026-03-02 10:00: daily 2 of 3", "2026-01-01 10:00: daily 3 of 3"}},
		{"the oldest stays while counts are left", versions(t, "2026-03-02 20:00", "2026-03-02 10:00", "2026-03-02 08:00"), Policy{Daily: 7},
			[]string{"2026-03-02 20:00: daily 1 of 7", "2026-03-02 08:00: oldest daily 2 of 7"}},
		{"hours", versions(t, "2026-03-02 10:50", "2026-03-02 10:10", "2026-03-02 09:59", "2026-03-01 10:00"), Policy{Hourly: 2},
			[]string{"2026-03-02 10:50: hourly 1 of 2", "2026-03-02 09:59: hourly 2 of 2"}},
		{"a week over the end of a year", versions(t, "2027-01-03 10:00", "2026-12-28 10:00", "2026-12-27 10:00", "2026-12-01 10:00"), Policy{Weekly: 2},
			[]string{"2027-01-03 10:00: weekly 1 of 2", "2026-12-27 10:00: weekly 2 of 2"}},
		{"months of different years", versions(t, "2026-03-31 10:00", "2025-03-31 10:00", "2025-03-01 10:00", "2024-01-01 10:00"), Policy{Monthly: 2},
			[]string{"2026-03-31 10:00: monthly 1 of 2", "2025-03-31 10:00: monthly 2 of 2"}},
		{"all years", versions(t, "2026-03-31 10:00", "2026-01-01 10:00", "2025-03-01 10:00", "2023-01-01 10:00"), Policy{Yearly: All},
			[]string{"2026-03-31 10:00: yearly", "2025-03-01 10:00: yearly", "2023-01-01 10:00: yearly"}},
		{"within counts from the newest", versions(t, "2020-03-31 10:00", "2020-03-01 10:00", "2020-02-29 10:00", "2020-02-28 10:00"), Policy{Within: Span{Months: 1}},
			[]string{"2020-03-31 10:00: within 1m"}},
		{"within hours", versions(t, "2026-03-02 10:00", "2026-03-01 10:01", "2026-03-01 10:00"), Policy{Within: Span{Hours: 24}},
			[]string{"2026-03-02 10:00: within 24h", "2026-03-01 10:01: within 24h"}},
		{"rules add up", days(t, "2026-03-02", 40), Policy{Last: 1, Daily: 2, Monthly: 3},
			[]string{
				"2026-03-02 12:00: last 1 of 1, daily 1 of 2, monthly 1 of 3",
				"2026-03-01 12:00: daily 2 of 2",
				"2026-02-28 12:00: monthly 2 of 3",
				"2026-01-31 12:00: monthly 3 of 3",
			}},
		{"held", []Version{{Name: "a", Time: time.Unix(1, 0), Held: []string{"stable is there"}}, {Name: "b", Time: time.Unix(2, 0)}}, Policy{Last: 1},
			[]string{"b: last 1 of 1", "a: stable is there"}},
		{"times in other zones", []Version{
			{Name: "new", Time: time.Date(2026, 3, 2, 1, 0, 0, 0, time.FixedZone("", 2*3600))},
			{Name: "old", Time: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)},
			{Name: "older", Time: time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)},
		}, Policy{Daily: 1}, []string{"new: daily 1 of 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			decisions := Apply(test.versions, test.policy)
			if diff := cmp.Diff(test.want, kept(decisions)); diff != "" || len(decisions) != len(test.versions) {
				t.Errorf("%d decisions on %d versions (-want +got):\n%s", len(decisions), len(test.versions), diff)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for _, good := range []string{"1y6m", "14d", "36h", "2y5m7d3h"} {
		if span, err := ParseSpan(good); err != nil || span.String() != good {
			t.Errorf("%s: %v, %v", good, span, err)
		}
	}
	for _, bad := range []string{"", "1", "d", "-1d", "1h1d", "1.5d", "99999999999999999999d"} {
		var span Span
		if err := span.Set(bad); err == nil {
			t.Errorf("%q is %v", bad, span)
		}
	}
}

// FuzzParseSpan: what can be read can be written, and is the same.
func FuzzParseSpan(f *testing.F) {
	f.Add("2y5m7d3h")
	f.Add("0h")
	f.Fuzz(func(t *testing.T, text string) {
		span, err := ParseSpan(text)
		if err != nil || span == (Span{}) {
			return
		}
		if again, err := ParseSpan(span.String()); err != nil || again != span {
			t.Errorf("%q: %v, %v", text, again, err)
		}
	})
}

// FuzzApply: the newest always stays, and the oldest kept never hides a newer
// period: a policy that asks for more keeps no less.
func FuzzApply(f *testing.F) {
	f.Add(uint8(20), uint8(3), uint8(2), int64(7919))
	f.Fuzz(func(t *testing.T, n, last, daily uint8, step int64) {
		var list []Version
		for i := range int64(n) {
			list = append(list, Version{Name: fmt.Sprint(i), Time: time.Unix(1.7e9+(i*step)%1e7, 0)})
		}
		keeps := func(p Policy) map[string]bool {
			set := map[string]bool{}
			for i, d := range Apply(list, p) {
				if set[d.Version] = d.Keep; i == 0 && !d.Keep {
					t.Errorf("%+v: the newest goes", p)
				}
			}
			return set
		}
		less := keeps(Policy{Last: int(last) + 1})
		more := keeps(Policy{Last: int(last) + 1, Daily: int(daily)})
		for name, kept := range less {
			if kept && !more[name] {
				t.Errorf("%s goes when a rule is added", name)
			}
		}
	})
}
