package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// demanded are the files that AmiGO's install looks for before it does
// anything, and those that an image cannot do without.
var demanded = []string{
	"package.json",
	"install",
	"gulpfile.js",
	"conf/.initial_values.yaml",
	"scripts/version.pl",
	"scripts/simulate.pl",
	"javascript/npm/amigo2-instance-data/package.json",
	"perl/bin/amigo",
	"perl/lib/AmiGO.pm",
	"golr/solr/conf/schema.xml",
	"golr/solr/conf/solrconfig.xml",
}

// NotAmiGOError says that a directory does not hold AmiGO's source.
type NotAmiGOError struct {
	Dir   string
	Lacks []string // files
}

func (e *NotAmiGOError) Error() string {
	shown, more := e.Lacks, ""
	if len(shown) > 3 {
		more = fmt.Sprintf(" and %d more", len(shown)-2)
		shown = shown[:2]
	}
	return fmt.Sprintf("%s is not AmiGO's source: it lacks %s%s", e.Dir, strings.Join(shown, ", "), more)
}

// Fault implements [fault.Reporter].
func (e *NotAmiGOError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Other} }

func check(dir string) error {
	var lacks []string
	for _, name := range demanded {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) > 0 {
		return &NotAmiGOError{Dir: dir, Lacks: lacks}
	}
	return nil
}

// LinkError says that a source has symbolic links that lead out of it. What
// they lead to is the host's, and no part of AmiGO.
type LinkError struct {
	Dir   string
	Links []string
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("%s has symbolic links that lead out of it: %s", e.Dir, strings.Join(e.Links[:min(3, len(e.Links))], ", "))
}

// Fault implements [fault.Reporter].
func (e *LinkError) Fault() fault.Report {
	return fault.Report{What: "the source has symbolic links that lead out of it", Where: e.Dir + "\n" + strings.Join(e.Links, "\n"), Code: fault.Verify}
}

// checkLinks looks for links that lead out of a tree, before anything follows
// one.
func checkLinks(tree Tree, files fileset.Set) error {
	var out []string
	for _, f := range files.Sorted() {
		if f.Link != "" && !unpack.StaysInside(strings.TrimPrefix(f.Path, "/"), f.Link) {
			out = append(out, f.Path[1:]+" -> "+f.Link)
		}
	}
	if len(out) > 0 {
		return &LinkError{Dir: tree.Dir, Links: out}
	}
	return nil
}
