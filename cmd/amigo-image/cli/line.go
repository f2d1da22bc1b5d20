package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// variable sets a template's variables, which may be sensitive.
var variable = regexp.MustCompile(`^--?var(-file)?(=|$)`)

func mayBeSecret(arg string) bool {
	flag := strings.HasPrefix(arg, "-")
	return variable.MatchString(arg) || flag && address.ShownIn(arg) != arg || !flag && address.HasSecret(arg)
}

// line is a command line for a shell, unless it may hold a secret.
func (a *App) line(args []string) (string, bool) {
	for _, arg := range args {
		if mayBeSecret(arg) {
			return "", false
		}
	}
	return command.Cmd{Name: a.Root.Name(), Args: args}.String(), true
}

// instead is the command line with another argument in the place of one that
// is wrong, or short if it may hold a secret.
func (a *App) instead(wrong, right, short string) string {
	args := slices.Clone(a.Args)
	at := slices.IndexFunc(args, func(arg string) bool { return arg == wrong || strings.HasSuffix(arg, "="+wrong) })
	if at < 0 {
		return short
	}
	args[at] = strings.TrimSuffix(args[at], wrong) + right
	if line, ok := a.line(args); ok {
		return line
	}
	return short
}

// Hollow is the command line with a hole for a name that is wrong, or short.
func (a *App) Hollow(wrong, short string) string {
	line := a.instead(wrong, hole, short)
	return strings.Replace(line, "'"+hole+"'", hole, 1)
}
