package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

func check(dir string) error {
	var lacks []string
	for _, name := range demanded {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) > 0 {
		return &NotAmiGOError{Dir: dir, Lacks: lacks}
	}
	return nil
}
