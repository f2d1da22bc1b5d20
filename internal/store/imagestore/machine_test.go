package imagestore

import (
	"strings"
	"testing"
)

func TestMachineName(t *testing.T) {
	for text, want := range map[string]string{
		"amigo-2026-11-22-distribution":     "amigo-2026-11-22-distribution",
		"amigo-2026-11-22-distribution (1)": "amigo-2026-11-22-distribution-1",
		"a:b":                               "a-b",
		"_x":                                "x",
		"..":                                "machine",
		"äöü":                               "machine",
		"über amigo":                        "ber-amigo",
		strings.Repeat("x", 70):             strings.Repeat("x", 56),
		strings.Repeat("x", 55) + "-" + strings.Repeat("y", 9): strings.Repeat("x", 55),
	} {
		got := MachineName(text)
		if got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		if err := CheckMachine(got); err != nil {
			t.Error(err)
		}
	}
}
