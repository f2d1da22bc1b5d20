// Package changes says what is different between two versions of the images:
// packages, security fixes, AmiGO, the data, sizes. What is not known it calls
// unknown, and never nothing.
package changes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Schema is the version of changes.json.
const Schema = 1

// FileName is the name of the document in the directory of a version.
const FileName = "changes.json"

// Changes is the content of changes.json.
type Changes struct {
	Schema   int      `json:"schema"`
	From     Point    `json:"from"`
	To       Point    `json:"to"`
	AmiGO    AmiGO    `json:"amigo"`
	GOlr     GOlr     `json:"golr"`
	System   System   `json:"system"`
	Images   []Image  `json:"images"`
	Packages Packages `json:"packages"`
}

// Point is where a comparison begins or ends.
type Point struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// AmiGO is what became of the software.
type AmiGO struct {
	Old manifest.AmiGO `json:"old"`
	New manifest.AmiGO `json:"new"`
	// Commits are those that the new one has and the old one has not, if they
	// are known; Gone are those that only the old one has.
	Commits *Commits `json:"commits,omitempty"`
	Gone    *Commits `json:"gone,omitempty"`
	// Unknown says why the commits are not known, if there should be any.
	Unknown string `json:"commits_unknown,omitempty"`
	Compare string `json:"compare,omitempty"` // address that shows the difference
}

// Commits are the commits of a range.
type Commits struct {
	Count    int      `json:"count"`
	Subjects []Commit `json:"subjects"` // newest first, at most [MaxSubjects]
	// More tells that there may be others, older than what is recorded.
	More bool `json:"more,omitempty"`
}

// Commit is one commit. Merges are left out.
type Commit struct {
	ID      string `json:"id"`
	Date    string `json:"date,omitempty"` // YYYY-MM-DD
	Subject string `json:"subject"`
}

// GOlr is what became of the data.
type GOlr struct {
	Old manifest.GOlr `json:"old"`
	New manifest.GOlr `json:"new"`
}

// System is what became of the operating system.
type System struct {
	Old manifest.System `json:"old"`
	New manifest.System `json:"new"`
}

// Moved tells that the images stand on another release of the distribution, or on another
// distribution; else it is "".
func (s System) Moved() string {
	if s.Old.Name == s.New.Name {
		return ""
	}
	return step(s.Old.Name, s.New.Name)
}

// Image is what became of a variant. A size of 0 is that of a side that does
// not have it.
type Image struct {
	Variant string `json:"variant"`
	OldSize int64  `json:"old_size"` // of the qcow2 file, bytes
	NewSize int64  `json:"new_size"`
	// Update is how many bytes travel to who has the old one; 0: not known.
	Update int64 `json:"update,omitempty"`
}

// Packages is what became of the packages of all variants.
type Packages struct {
	// Known is false if one side has no list of packages.
	Known   bool      `json:"known"`
	Added   []Package `json:"added"`
	Removed []Package `json:"removed"`
	Changed []Change  `json:"changed"`
}

// Package is a package that came or went.
type Package struct {
	Name         string   `json:"name"`
	Architecture string   `json:"architecture"` // in the first of the images
	Version      string   `json:"version"`
	Variants     []string `json:"variants,omitempty"` // if not in all
}

// Change is a package with another version.
type Change struct {
	Name         string   `json:"name"`
	Was          string   `json:"was,omitempty"` // the old name, if it was another
	Architecture string   `json:"architecture"`
	Old          string   `json:"old"`
	New          string   `json:"new"`
	Downgrade    bool     `json:"downgrade,omitempty"`
	Variants     []string `json:"variants,omitempty"` // if not in all
	// CVEs are named in the changelog between the two versions: fixed by an
	// upgrade, open again after a downgrade.
	CVEs []string `json:"cves,omitempty"`
	// FixesKnown is false if no changelog tells all that lies between.
	FixesKnown bool `json:"fixes_known"`
}

// Security returns the upgrades that name CVE numbers, and all those numbers.
func (p Packages) Security() (fixes []Change, cves []string) {
	for _, change := range p.Changed {
		if len(change.CVEs) > 0 && !change.Downgrade {
			fixes = append(fixes, change)
			cves = append(cves, change.CVEs...)
		}
	}
	return fixes, newestFirst(cves)
}

// Unknown returns how many changed packages have no changelog that tells
// their fixes.
func (p Packages) Unknown() int {
	n := 0
	for _, change := range p.Changed {
		if !change.FixesKnown {
			n++
		}
	}
	return n
}

// Row is a change as people read it.
type Row struct {
	Change
	With []string // other packages of which the same is to be told
}

// Rows returns the changes as people read them: downgrades, security fixes,
// the rest. Packages that went the same way together are one row.
func (p Packages) Rows() []Row {
	sorted := slices.Clone(p.Changed)
	slices.SortStableFunc(sorted, func(a, b Change) int { return rank(a) - rank(b) })
	var rows []Row
	for _, change := range sorted {
		i := slices.IndexFunc(rows, func(row Row) bool { return row.goesWith(change) })
		if i < 0 {
			rows = append(rows, Row{Change: change})
			continue
		}
		rows[i].With = append(rows[i].With, change.Name)
	}
	return rows
}

// goesWith tells whether a change is that of another package of one source.
// The same two versions and fixes are proof enough; without fixes they are not.
func (r Row) goesWith(c Change) bool {
	return len(r.CVEs) > 0 && r.Was == "" && c.Was == "" && r.Old == c.Old && r.New == c.New &&
		slices.Equal(r.CVEs, c.CVEs) && slices.Equal(r.Variants, c.Variants)
}

func rank(c Change) int {
	switch {
	case c.Downgrade:
		return 0
	case len(c.CVEs) > 0:
		return 1
	default:
		return 2
	}
}

// Empty tells whether nothing that is known changed but names, times and sizes.
func (c Changes) Empty() bool {
	p := c.Packages
	return c.AmiGO.Old == c.AmiGO.New && c.GOlr.Old.Equal(c.GOlr.New) && c.System.Old == c.System.New &&
		p.Known && len(p.Added)+len(p.Removed)+len(p.Changed) == 0
}

// Document returns the changes as they are written: with the schema, and times in
// UTC and whole seconds.
func (c Changes) Document() Changes {
	c.Schema = Schema
	for _, at := range []*time.Time{&c.From.Created, &c.To.Created} {
		*at = at.UTC().Truncate(time.Second)
	}
	return c
}

// Encode returns the content of changes.json.
func (c Changes) Encode() ([]byte, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c.Document()); err != nil {
		return nil, fmt.Errorf("writing %s: %w", FileName, err)
	}
	return []byte(out.String()), nil
}

// Decode reads changes.json. Fields that it does not know are ignored.
func Decode(content []byte) (Changes, error) {
	var c Changes
	if err := json.Unmarshal(content, &c); err != nil {
		return Changes{}, fmt.Errorf("reading %s: %w", FileName, err)
	}
	if c.Schema != Schema {
		return Changes{}, fmt.Errorf("reading %s: schema %d is not known here, only %d", FileName, c.Schema, Schema)
	}
	return c, nil
}
