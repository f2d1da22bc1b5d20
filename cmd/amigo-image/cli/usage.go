package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
)

// Usage is an error of the command line.
func Usage(what, try string) error {
	return &fault.Error{What: what, Try: try, Code: fault.Usage}
}

// UnknownCommand says that c has no such command, and which was meant.
func (a *App) UnknownCommand(c *cobra.Command, name string) error {
	try := c.CommandPath() + " --help"
	if near := nearest.Name(name, subcommands(c)); near != "" {
		try = a.instead(name, near, c.CommandPath()+" "+near)
	}
	return Usage(fmt.Sprintf("there is no command %q", name), try)
}

// WrongFlag says that c has no such flag, and which was meant, or that a flag
// does not take such a value.
func (a *App) WrongFlag(c *cobra.Command, err error) error {
	try := c.CommandPath() + " --help"
	if value := (*pflag.InvalidValueError)(nil); errors.As(err, &value) {
		return Usage(wrongValue(value), try)
	}
	var known []string
	EachFlag(c, func(name string) { known = append(known, "--"+name) })
	wrong := flagOf(err)
	if near := nearest.Name(wrong, known); near != "" {
		try = near
		for _, arg := range a.Args {
			// It may have one dash, and a value.
			if name, value, _ := strings.Cut(arg, "="); strings.TrimLeft(name, "-") == strings.TrimLeft(wrong, "-") {
				try = a.instead(arg, near+arg[len(arg)-len(value)-min(1, len(value)):], near)
			}
		}
	}
	return Usage(err.Error(), try)
}

// wrongValue says what a flag takes.
func wrongValue(e *pflag.InvalidValueError) string {
	if outside := (*rangeError)(nil); errors.As(e, &outside) {
		return fmt.Sprintf("--%s takes %s, not %q", e.GetFlag().Name, outside.takes, e.GetValue())
	}
	takes := map[string]string{"int": "a number", "int64": "a number", "duration": "a time such as 30s, 5m or 2h", "bool": "true or false"}[e.GetFlag().Value.Type()]
	if takes == "" {
		return fmt.Sprintf("--%s: %s", e.GetFlag().Name, fault.Plain(e.Unwrap()))
	}
	return fmt.Sprintf("--%s takes %s, not %q", e.GetFlag().Name, takes, e.GetValue())
}
