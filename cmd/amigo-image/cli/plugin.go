package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin"
)

// reportOf is what an error reports, one of Packer's plugins included: the library
// that runs them has no words for a command line.
func reportOf(err error) fault.Report {
	if missing := (*plugin.MissingError)(nil); errors.As(err, &missing) {
		return missingPlugins(missing)
	}
	if died := (*plugin.DiedError)(nil); errors.As(err, &died) {
		return fault.Report{What: fmt.Sprintf("the %s died while %s", died.What, died.Doing), Where: died.Log, Code: fault.Other}
	}
	if none := (*plugin.NoReleaseError)(nil); errors.As(err, &none) {
		return noRelease(none)
	}
	if refused := (*plugin.RefusedError)(nil); errors.As(err, &refused) {
		return fault.Report{What: fmt.Sprintf("%s: refused (%d)", refused.URL, refused.Code), Try: fault.To(fault.Advise, refused.Advice()), Code: fault.Network}
	}
	if altered := (*plugin.ChecksumError)(nil); errors.As(err, &altered) {
		return fault.Report{What: altered.Error(), Code: fault.Verify}
	}
	return fault.Of(err)
}

// shownVersions is how many of a plugin's versions are named.
const shownVersions = 8

func noRelease(e *plugin.NoReleaseError) fault.Report {
	if e.Err != nil && !errors.Is(e.Err, fs.ErrNotExist) {
		r := reportOf(e.Err)
		return fault.Report{What: "no release of " + e.Required.Source + " can be looked for", Where: r.What, Try: r.Try, Code: r.Code}
	}
	r := fault.Report{What: e.Error(), Code: fault.NotFound}
	if len(e.Versions) > 0 {
		last := e.Versions[max(0, len(e.Versions)-shownVersions):]
		r.Where = "released: " + strings.Join(last, ", ")
		if others := len(e.Versions) - len(last); others > 0 {
			r.Where += fmt.Sprintf(" and %d others", others)
		}
	}
	return r
}

func missingPlugins(e *plugin.MissingError) fault.Report {
	where := []string{"in " + e.Dir}
	for _, i := range e.Ignored {
		where = append(where, fmt.Sprintf("%s is not used: %v", i.Path, i.Why))
	}
	return fault.Report{
		What: e.Error(), Where: strings.Join(where, "\n"), Code: fault.Host,
		Try: fault.To(fault.InstallPlugin, e.Required[0].Source),
	}
}
