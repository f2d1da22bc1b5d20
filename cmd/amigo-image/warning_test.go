package main

import (
	"strings"
	"testing"
	"time"
)

// TestWarningsAreNotQuiet: --quiet keeps nobody from a warning.
func TestWarningsAreNotQuiet(t *testing.T) {
	s := publishTwo(t, time.Now().AddDate(0, 0, -6))
	status, out, errs := newPerson(t).types("amigo-image refresh --quiet --to " + s.dir + " --keys " + s.ring.Dir())
	if status != 0 || !strings.HasPrefix(errs, "warning: before this refresh") || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d\n%s%s", status, out, errs)
	}
}
