package terminal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrapped(t *testing.T) {
	for text, want := range map[string]string{
		"short": "short",
		"GO data      2026-10-10, doi 10.5072/example.2026-11-15":      "GO data      2026-10-10, doi\n             10.5072/example.2026-11-15",
		"one line of words\nand another one, which does not have room": "one line of words\nand another one, which does not have\n  room",
		"sha256 0123456789012345678901234567890123456789012345678901":  "sha256\n  0123456789012345678901234567890123456789012345678901",
		"wide 世界世界世界 世界世界世界 世界世界世界 世界":                                 "wide 世界世界世界 世界世界世界\n  世界世界世界 世界",
	} {
		if diff := cmp.Diff(want, Wrap(text, 40)); diff != "" {
			t.Error(diff)
		}
	}
}
