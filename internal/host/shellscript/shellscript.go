// Package shellscript writes the scripts and environments of the components
// that run a user's commands.
package shellscript

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Inline returns a script of commands that begins with a shebang.
func Inline(shebang string, commands []string) string {
	return "#!" + shebang + "\n" + strings.Join(commands, "\n") + "\n"
}

// Parse returns the variables of a list of KEY=value, and every fault of it.
func Parse(list []string) (map[string]string, []error) {
	env := map[string]string{}
	var faults []error
	for _, entry := range list {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			faults = append(faults, fmt.Errorf("%q is not of the form KEY=value", entry))
			continue
		}
		env[name] = value
	}
	return env, faults
}

// Environment writes variables, by name, each in a format with two verbs for
// its name and its value. Values are quoted for use between single quotes.
func Environment(format string, env map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&text, format, name, strings.ReplaceAll(env[name], "'", `'"'"'`))
	}
	return text.String()
}
