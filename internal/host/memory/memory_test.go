package memory

import (
	"runtime/debug"
	"testing"
)

// TestSpare: what the environment says comes before what we think.
func TestSpare(t *testing.T) {
	percent, bytes := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(bytes)
	})
	const most = 1 << 40
	for name, c := range map[string]struct {
		gogc, gomemlimit string
		percent          int
		bytes            int64
	}{
		"nothing is said":        {"", "", 50, 48 << 20},
		"how often":              {"100", "", 100, 48 << 20},
		"how much":               {"", "1TiB", 50, most},
		"everything is said":     {"100", "1TiB", 100, most},
		"that there is no limit": {"off", "off", 100, most},
	} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.gomemlimit)
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(most)
		Spare()
		if got := debug.SetMemoryLimit(-1); got != c.bytes {
			t.Errorf("%s: a limit of %d bytes, want %d", name, got, c.bytes)
		}
		if got := debug.SetGCPercent(100); got != c.percent {
			t.Errorf("%s: %d percent, want %d", name, got, c.percent)
		}
	}
}
