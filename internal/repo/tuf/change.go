package tuf

import (
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Change is what a root says otherwise than the root before it.
type Change struct {
	Version int64          `json:"version"`
	Before  int64          `json:"before,omitempty"` // 0 if nothing was trusted before
	Expires time.Time      `json:"expires"`
	Was     time.Time      `json:"expires_before,omitzero"`
	Names   []ChangeOfName `json:"names"`
}

// ChangeOfName is who may use a name from now on: "root", "targets" or
// "online".
type ChangeOfName struct {
	Name      string   `json:"name"`
	Comes     []string `json:"comes,omitempty"` // IDs of keys
	Goes      []string `json:"goes,omitempty"`
	Stays     []string `json:"stays,omitempty"`
	Threshold int      `json:"threshold"`
	Was       int      `json:"threshold_before,omitempty"`
}

// Unchanged tells that everything is as it was.
func (c ChangeOfName) Unchanged() bool {
	return len(c.Comes) == 0 && len(c.Goes) == 0 && c.Threshold == c.Was
}

// compare tells what a root changes. old may be missing.
func compare(old, root rootDocument) Change {
	c := Change{Version: root.md.Signed.Version, Before: rootVersion(old), Expires: root.md.Signed.Expires}
	if old.md != nil {
		c.Was = old.md.Signed.Expires
	}
	for _, name := range []string{metadata.ROOT, metadata.TARGETS, Online} {
		var before grant
		if old.md != nil {
			before = succession{root: old}.grant(name)
		}
		after := succession{root: root}.grant(name)
		change := ChangeOfName{Name: name, Threshold: after.threshold, Was: before.threshold, Goes: without(before.ids, after.ids)}
		change.Comes = without(after.ids, before.ids)
		change.Stays = without(after.ids, change.Comes)
		c.Names = append(c.Names, change)
	}
	return c
}

// without returns what is in all and not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(others, id) })
}
