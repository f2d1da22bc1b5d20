package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable: whole columns go, in their order, and nothing is cut.
func TestTable(t *testing.T) {
	rows := [][]string{
		{"2026-11-22", "nightly", "2026-11-21", "2.5.17", "1.9 GiB", "-", "update"},
		{"2026-11-15", "stable", "2026-10-10", "2.5.17", "1.9 GiB", "1.9 GiB", "running :9999"},
	}
	columns := []Column{
		{Name: "VERSION"}, {Name: "CHANNEL", Rank: 2}, {Name: "GO DATA", Rank: 3}, {Name: "AMIGO", Rank: 5},
		{Name: "SIZE", Rank: 4}, {Name: "LOCAL", Rank: 1}, {Name: "STATE"},
	}
	for width, want := range map[int]string{
		79: "VERSION     CHANNEL  GO DATA     AMIGO   SIZE     LOCAL    STATE",
		60: "VERSION     CHANNEL  GO DATA     LOCAL    STATE",
		49: "VERSION     CHANNEL  LOCAL    STATE",
		40: "VERSION     LOCAL    STATE",
		10: "VERSION     STATE",
	} {
		lines := Table(columns, rows, width)
		if lines[0] != want {
			t.Errorf("%d columns: %q", width, lines[0])
		}
		for _, line := range lines {
			if len(line) > max(width, 25) {
				t.Errorf("%d columns: %q is too wide", width, line)
			}
		}
	}
	want := []string{"A", "x  y"}
	if diff := cmp.Diff(want, Table([]Column{{Name: "A"}, {Name: ""}}, [][]string{{"x", "y"}}, 80)); diff != "" {
		t.Error(strings.TrimSpace(diff))
	}
}

// TestTableWraps holds that sentences go on below, before other columns go.
func TestTableWraps(t *testing.T) {
	columns := []Column{{Name: ""}, {Name: "BUILT", Rank: 1}, {Name: "WHY", Wrap: true}}
	rows := [][]string{{"keep", "2026-11-20", "nightly would go back to it, last 1 of 1"}, {"remove", "2026-11-19", "old"}}
	for width, want := range map[int]string{
		80: `        BUILT       WHY
keep    2026-11-20  nightly would go back to it, last 1 of 1
remove  2026-11-19  old`,
		50: `        BUILT       WHY
keep    2026-11-20  nightly would go back to it,
                    last 1 of 1
remove  2026-11-19  old`,
		40: `        WHY
keep    nightly would go back to it,
        last 1 of 1
remove  old`,
	} {
		if diff := cmp.Diff(want, strings.Join(Table(columns, rows, width), "\n")); diff != "" {
			t.Error(diff)
		}
	}
}
