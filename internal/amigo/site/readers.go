package site

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Readers are the origins of other sites, like "https://example.org", whose
// pages may read what GOlr answers; "*" stands for every site.
type Readers []string

// All tells whether every site's pages may read.
func (r Readers) All() bool { return slices.Contains(r, "*") }

// Pattern is the regular expression for their origins.
func (r Readers) Pattern() string {
	quoted := make([]string, len(r))
	for i, origin := range r {
		quoted[i] = regexp.QuoteMeta(origin)
	}
	return "^(?:" + strings.Join(quoted, "|") + ")$"
}

var origin = regexp.MustCompile(`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// Validate says which of r is not an origin.
func (r Readers) Validate() []error {
	var faults []error
	for _, one := range r {
		if one != "*" && !origin.MatchString(one) {
			faults = append(faults, fmt.Errorf("%q is not \"*\" or an origin like \"https://example.org\"", one))
		}
	}
	return faults
}
