// Make-index makes an ontology and annotations of the size and the shape of a release of
// the Gene Ontology, for an index to measure with.
//
//	go run ./test/make-index [-release 2] N DIR
//
// It writes go.obo and annotations.gaf.gz with N annotations. Terms, links and the
// first 348,000 annotations are real: they are those of Debian's packages r-bioc-go.db
// and r-bioc-org.hs.eg.db, of 2022, which it fetches with apt-get. The others are of gene
// products that are made up, in other species. Each has as many annotations as some human
// gene, to terms as frequent as they are there. Release 2 differs in one gene product of
// twenty. It needs apt-get, dpkg-deb and sqlite3.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

func main() {
	release := flag.Int("release", 1, "1, or a later one that differs from it in one gene product of twenty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *release, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, release int, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: make-index [-release 2] N DIR")
	}
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("%q is not a number of annotations", args[0])
	}
	dir := args[1]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "make-index-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	d := databases(work)
	if err := d.fetch(ctx); err != nil {
		return err
	}
	if err := writeOntology(ctx, d, filepath.Join(dir, "go.obo"), release); err != nil {
		return err
	}
	return writeAnnotations(ctx, d, filepath.Join(dir, "annotations.gaf.gz"), number, release)
}

// databases is the directory with those of the packages.
type databases string

func (d databases) fetch(ctx context.Context) error {
	script := `cd "$1" && apt-get download -qq r-bioc-go.db r-bioc-org.hs.eg.db && for deb in *.deb; do dpkg-deb -x "$deb" .; done`
	return command.Run(ctx, command.Cmd{Name: "sh", Args: []string{"-c", script, "sh", string(d)}})
}

func (d databases) terms() string {
	return filepath.Join(string(d), "usr/lib/R/site-library/GO.db/extdata/GO.sqlite")
}

func (d databases) genes() string {
	return filepath.Join(string(d), "usr/lib/R/site-library/org.Hs.eg.db/extdata/org.Hs.eg.sqlite")
}
