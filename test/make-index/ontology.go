package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// released are the days of releases.
func released(release int) string { return fmt.Sprintf("2026-%02d-05", 9+release) }

var kinds = map[string]string{"BP": "biological_process", "MF": "molecular_function", "CC": "cellular_component"}

// typedefs are the relations that terms have.
const typedefs = `
[Typedef]
id: part_of
name: part of
xref: BFO:0000050
is_transitive: true

[Typedef]
id: regulates
name: regulates
xref: RO:0002211
transitive_over: part_of

[Typedef]
id: negatively_regulates
name: negatively regulates
xref: RO:0002212
is_a: regulates

[Typedef]
id: positively_regulates
name: positively regulates
xref: RO:0002213
is_a: regulates
`

func writeOntology(ctx context.Context, d databases, path string, release int) error {
	stanzas, err := stanzas(ctx, d)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_, err = fmt.Fprintf(w, "format-version: 1.2\ndata-version: releases/%s\nontology: go\n", released(release))
	for _, s := range stanzas {
		_, more := io.WriteString(w, s)
		err = errors.Join(err, more)
	}
	_, more := io.WriteString(w, typedefs)
	return errors.Join(err, more, w.Flush(), f.Close())
}

// stanzas returns the terms in the OBO format, in the order of their IDs.
func stanzas(ctx context.Context, d databases) ([]string, error) {
	texts := map[string]*strings.Builder{}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	term := func(c []string, more string) {
		text := &strings.Builder{}
		texts[c[0]] = text
		fmt.Fprintf(text, "\n[Term]\nid: %s\nname: %s\nnamespace: %s\ndef: \"%s\" []\n%s", c[0], c[1], kinds[c[2]], quote(c[3]), more)
	}
	err := errors.Join(
		query(ctx, d.terms(), "select go_id, term, ontology, definition from go_term where go_id like 'GO:%'", func(c []string) { term(c, "") }),
		query(ctx, d.terms(), "select go_id, term, ontology, definition from go_obsolete", func(c []string) { term(c, "is_obsolete: true\n") }),
		query(ctx, d.terms(), "select t.go_id, s.synonym from go_synonym s join go_term t using (_id) order by 1, 2", func(c []string) {
			if strings.HasPrefix(c[1], "GO:") {
				fmt.Fprintf(texts[c[0]], "alt_id: %s\n", c[1])
			} else {
				fmt.Fprintf(texts[c[0]], "synonym: \"%s\" RELATED []\n", quote(c[1]))
			}
		}),
	)
	for _, kind := range []string{"bp", "mf", "cc"} {
		sql := fmt.Sprintf("select t.go_id, p.relationship_type, u.go_id from go_%s_parents p join go_term t on t._id = p._id join go_term u on u._id = p._parent_id where u.go_id like 'GO:%%' order by 1, 2, 3", kind)
		err = errors.Join(err, query(ctx, d.terms(), sql, func(c []string) {
			if c[1] == "isa" {
				fmt.Fprintf(texts[c[0]], "is_a: %s\n", c[2])
			} else {
				fmt.Fprintf(texts[c[0]], "relationship: %s %s\n", strings.ReplaceAll(c[1], " ", "_"), c[2])
			}
		}))
	}
	var all []string
	for _, text := range texts {
		all = append(all, text.String())
	}
	slices.Sort(all)
	return all, err
}
