package bootstrap

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// LacksError says what a package archive lacks: some packages, or if there are no names, all
// for an architecture.
type LacksError struct {
	Release, Architecture string
	Packages              []string
	Err                   error
}

func (e *LacksError) Error() string {
	if len(e.Packages) == 0 {
		return fmt.Sprintf("the package archive has nothing of %s for %s (try: another mirror)", e.Release, e.Architecture)
	}
	return fmt.Sprintf("%s has no package called %s for %s", e.Release, strings.Join(e.Packages, " or "), e.Architecture)
}

func (e *LacksError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *LacksError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.NotFound} }

// unknown is how apt-get says that it has no package of a name, or only knows of it.
var unknown = regexp.MustCompile(`(?m)^E: (?:Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate)`)

// lacking returns a [*LacksError] if apt-get failed because there are no such packages.
func lacking(s Spec, err error) error {
	exit := (*command.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	var names []string
	for _, found := range unknown.FindAllStringSubmatch(exit.Stderr, -1) {
		names = append(names, found[1]+found[2])
	}
	if len(names) == 0 {
		return err
	}
	slices.Sort(names)
	return &LacksError{Release: s.Release, Architecture: s.Architecture, Packages: slices.Compact(names), Err: err}
}
