package nearest

import "testing"

func TestName(t *testing.T) {
	commands := []string{"init", "info", "list", "rm", "run", "pull", "2026-11-15", "2026-11-22"}
	for wrong, want := range map[string]string{
		"lsit": "list", "lst": "list", "pulll": "pull", "ifno": "info", "rum": "run", "r": "rm", "2026-11-51": "2026-11-15",
		"2026-11-16": "2026-11-15", "publish": "", "x": "", "": "",
	} {
		if got := Name(wrong, commands); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
}

func TestFirst(t *testing.T) {
	got := First("stabel", []string{"nightly", "stable", "start"})
	if got[0] != "stable" || got[1] != "start" {
		t.Errorf("%v", got)
	}
}
