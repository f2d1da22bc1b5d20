package pipeline

import (
	"encoding/csv"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"
)

// choice is what -only or -except say.
type choice struct {
	names []string // of what is there: each is itself, whatever it would match
	globs []string // of which none is a name
}

// choose reads values of -only or -except. Each is one of the names, as it is printed, or
// a list of names and globs with commas between them.
func choose(values, names []string) choice {
	var c choice
	for _, value := range values {
		parts := []string{value}
		if !slices.Contains(names, value) {
			parts = list(value)
		}
		for _, part := range parts {
			if slices.Contains(names, part) {
				c.names = append(c.names, part)
			} else {
				c.globs = append(c.globs, part)
			}
		}
	}
	return c
}

// list splits a value at its commas, but for those between quotes.
func list(value string) []string {
	if value == "" {
		return nil
	}
	if parts, err := csv.NewReader(strings.NewReader(value)).Read(); err == nil {
		return parts
	}
	return strings.Split(value, ",")
}

func (c choice) empty() bool { return len(c.names)+len(c.globs) == 0 }

func (c choice) has(name string) bool {
	return slices.Contains(c.names, name) || slices.ContainsFunc(c.globs, func(pattern string) bool { return matches(pattern, name) })
}

// unmatched names each glob that matches none of the names: it is mistyped, and what it
// was to leave out would run.
func (c choice) unmatched(flag, what string, names []string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, pattern := range c.globs {
		_, err := glob.Compile(pattern)
		switch {
		case slices.ContainsFunc(names, func(name string) bool { return matches(pattern, name) }):
		case err != nil:
			diags = append(diags, noSubject("Nothing matches "+flag, "%q is not a valid pattern: %v.", pattern, err))
		default:
			diags = append(diags, noSubject("Nothing matches "+flag, "%q matches no %s. %s", pattern, what, suggest(pattern, names)))
		}
	}
	return diags
}

// matches tells whether a pattern matches a name, as in Packer: "*" is any text, dots
// and slashes included, and "{a,b}" is one of two.
func matches(pattern, name string) bool {
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(name)
}
