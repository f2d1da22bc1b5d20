package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// gene is a human gene with its annotations.
type gene struct {
	id, symbol, name string
	annotations      []annotation
}

type annotation struct{ term, evidence, aspect string }

// species are those of most annotations, with their parts of them, roughly as in
// GO's releases, and whose IDs they have.
var species = []struct {
	taxon  int
	db     string
	weight int
}{
	{10090, "MGI", 14}, {10116, "RGD", 12}, {7955, "ZFIN", 8}, {7227, "FB", 4}, {6239, "WB", 4}, {559292, "SGD", 3},
	{3702, "TAIR", 6}, {284812, "PomBase", 2}, {9913, "UniProtKB", 8}, {9823, "UniProtKB", 8}, {9031, "UniProtKB", 6},
	{9615, "UniProtKB", 7}, {44689, "dictyBase", 3}, {83333, "EcoCyc", 2}, {39947, "UniProtKB", 6}, {237561, "CGD", 2},
	{36329, "GeneDB", 2}, {185431, "TriTrypDB", 2}, {224308, "UniProtKB", 1}, {83332, "UniProtKB", 1},
}

// automatic are sources of annotations that nobody has looked at.
var automatic = []struct{ reference, with, by string }{
	{"GO_REF:0000002", "InterPro:IPR%06d", "InterPro"}, {"GO_REF:0000043", "UniProtKB-KW:KW-%04d", "UniProt"},
	{"GO_REF:0000044", "UniProtKB-SubCell:SL-%04d", "UniProt"}, {"GO_REF:0000117", "ARBA:ARBA%08d", "UniProt"},
	{"GO_REF:0000107", "Ensembl:ENSP%011d", "Ensembl"},
}

// relations are the first that GO gives to terms of an aspect.
var relations = map[string]string{"P": "involved_in", "F": "enables", "C": "located_in"}

func writeAnnotations(ctx context.Context, d databases, path string, number, release int) error {
	genes, terms, err := read(ctx, d)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(f)
	w := &writer{out: bufio.NewWriter(z)}
	w.printf("!gaf-version: 2.2\n!date-generated: %s\n", released(release))
	for i, g := range genes {
		if w.lines >= number {
			break
		}
		random := seeded(i, release)
		w.gene("NCBIGene", g, 9606, random, func(a annotation) annotation { return a })
	}
	for i := len(genes); w.lines < number && w.err == nil; i++ {
		random := seeded(i, release)
		model := genes[random.IntN(len(genes))]
		in := species[pick(random)]
		symbol := fmt.Sprintf("%s%d", strings.ToLower(model.symbol), i%7)
		made := gene{id: fmt.Sprintf("A0A%07X", i), symbol: symbol, name: model.name, annotations: model.annotations}
		w.gene(in.db, made, in.taxon, random, func(a annotation) annotation {
			if random.IntN(3) == 0 {
				a = terms[random.IntN(len(terms))]
			}
			if random.IntN(10) < 7 {
				a.evidence = "IEA"
			}
			return a
		})
	}
	return errors.Join(w.err, w.out.Flush(), z.Close(), f.Close())
}

// seeded returns the random numbers of a gene product: in a later release others
// for one of twenty.
func seeded(i, release int) *rand.Rand {
	if i%20 != 7 {
		release = 1
	}
	return rand.New(rand.NewPCG(uint64(i), uint64(release))) //nolint:gosec // not a secret
}

func pick(random *rand.Rand) int {
	total := 0
	for _, s := range species {
		total += s.weight
	}
	at := random.IntN(total)
	for i, s := range species {
		if at -= s.weight; at < 0 {
			return i
		}
	}
	return 0
}

// read returns human genes with their annotations, and all annotations.
func read(ctx context.Context, d databases) (genes []gene, all []annotation, err error) {
	for _, aspect := range []string{"P", "F", "C"} {
		kind := map[string]string{"P": "bp", "F": "mf", "C": "cc"}[aspect]
		sql := fmt.Sprintf("select g.gene_id, i.symbol, i.gene_name, a.go_id, a.evidence from go_%s a join genes g using (_id) join gene_info i using (_id) order by a._id, 4, 5", kind)
		byID := map[string]int{}
		for i, g := range genes {
			byID[g.id] = i
		}
		err = errors.Join(err, query(ctx, d.genes(), sql, func(c []string) {
			at, there := byID[c[0]]
			if !there {
				at = len(genes)
				byID[c[0]] = at
				genes = append(genes, gene{id: c[0], symbol: c[1], name: c[2]})
			}
			a := annotation{c[3], c[4], aspect}
			genes[at].annotations = append(genes[at].annotations, a)
			all = append(all, a)
		}))
	}
	return genes, all, err
}

// writer writes lines of GAF until one cannot be written.
type writer struct {
	out   *bufio.Writer
	lines int
	err   error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

func (w *writer) gene(db string, g gene, taxon int, random *rand.Rand, change func(annotation) annotation) {
	for _, a := range g.annotations {
		a = change(a)
		reference, with, by := fmt.Sprintf("PMID:%d", 8_000_000+random.IntN(32_000_000)), "", db
		if a.evidence == "IEA" {
			from := automatic[random.IntN(len(automatic))]
			reference, by, with = from.reference, from.by, fmt.Sprintf(from.with, random.IntN(9999))
		}
		day := fmt.Sprintf("%d%02d%02d", 2003+random.IntN(23), 1+random.IntN(12), 1+random.IntN(28))
		w.printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\tprotein\ttaxon:%d\t%s\t%s\t\t\n",
			db, g.id, g.symbol, relations[a.aspect], a.term, reference, a.evidence, with, a.aspect, g.name, taxon, day, by)
		w.lines++
	}
}
