package pipeline

import (
	"slices"

	"github.com/gobwas/glob"
)

// compileGlob compiles a pattern as Packer's -only and -except take it: "*" is any text,
// dots included, and "{a,b}" is one of two.
func compileGlob(pattern string) (glob.Glob, error) { return glob.Compile(pattern) }

// matchesAny tells whether a name is one of the patterns, or matches one.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		g, err := compileGlob(pattern)
		return pattern == name || err == nil && g.Match(name)
	})
}
