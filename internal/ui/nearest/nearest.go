// Package nearest finds the name that somebody meant.
package nearest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
)

// far is how many letters may be wrong: left out, too many, others, or two
// that changed places.
const far = 2

// Name returns that of known which is nearest to wrong, of several the first
// that begins as wrong does, or "" if none is near.
func Name(wrong string, known []string) string {
	name, best := "", far+1
	for _, candidate := range known {
		distance := edlib.OSADamerauLevenshteinDistance(wrong, candidate)
		if distance >= max(len(candidate), 2) {
			continue // nothing of it is left
		}
		if distance < best || distance == best && common(candidate, wrong) > common(name, wrong) {
			name, best = candidate, distance
		}
	}
	return name
}

// Unknown says that a name is none of those that are known, and which was meant, or which
// there are.
func Unknown(name string, known []string) string {
	if meant := Name(name, known); meant != "" {
		return fmt.Sprintf("%q is not known (did you mean %q?)", name, meant)
	}
	return fmt.Sprintf("%q is not known (known: %s)", name, strings.Join(known, ", "))
}

// First sorts names so that those that begin as wrong does come first.
func First(wrong string, names []string) []string {
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return common(b, wrong) - common(a, wrong) })
	return names
}

// common returns how many bytes two names have in common at their beginning.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
