// Package annotation reads what says which gene products terms describe: GAF
// files, GPAD files, and the GPI files that belong to them.
package annotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/lines"
)

// Entity is a gene or gene product.
type Entity struct {
	ID       string // "UniProtKB:P11678"
	Symbol   string
	Name     string
	Synonyms []string
	Type     string // "protein", or ""
	Taxon    string // "NCBITaxon:9606", or ""
	Parent   string // ID of the entity that this one is a form of, or ""
}

// DB is what stands in front of the ID's first colon: who gave the ID.
func (e *Entity) DB() string {
	db, _, _ := strings.Cut(e.ID, ":")
	return db
}

// LocalID is the ID without [Entity.DB].
func (e *Entity) LocalID() string {
	_, local, _ := strings.Cut(e.ID, ":")
	return local
}

// Annotation says that a term describes an entity.
type Annotation struct {
	Entity     string // ID of an [Entity]
	Negated    bool
	Relations  []string // "involved_in"
	Term       string   // "GO:0008150"
	References []string
	Evidence   Evidence
	With       []string
	Aspect     string // "P", as the file has it, or ""
	Date       string // "20261105"
	AssignedBy string
	Extension  string // as column 16 of GAF has it
	Isoform    string // ID of the entity's form
	OtherTaxon string // of an organism that it acts on
}

// Record is what a line says. One of both, or both, are there.
type Record struct {
	Place      lines.Place
	Entity     *Entity
	Annotation *Annotation
}

// ErrUnknown tells that a file is in no form that is read.
var ErrUnknown = errors.New("does not say what it is: the first line of a GAF file is \"!gaf-version: 2.2\", of GPAD \"!gpad-version: 2.0\" or \"!gpa-version: 1.1\", of GPI \"!gpi-version: 2.1\" or 1.2 (try: add it)")

// format is a form of files with a line for each record.
type format struct {
	columns, fewest int // without those at the end that may be left out
	read            func(cells []string) (Record, string)
}

// formats are known by their headers.
var formats = map[string]format{
	"gaf-version 2.0":  {17, 15, readGAF},
	"gaf-version 2.1":  {17, 15, readGAF},
	"gaf-version 2.2":  {17, 15, readGAF},
	"gpa-version 1.1":  {12, 10, readGPAD1},
	"gpa-version 1.2":  {12, 10, readGPAD1},
	"gpad-version 1.1": {12, 10, readGPAD1},
	"gpad-version 1.2": {12, 10, readGPAD1},
	"gpad-version 2.0": {12, 10, readGPAD2},
	"gpi-version 1.2":  {10, 7, readGPI1},
	"gpi-version 2.0":  {11, 6, readGPI2},
	"gpi-version 2.1":  {11, 6, readGPI2},
}

// DescribesEntities tells whether the file at path is GPI, which has no annotations.
func DescribesEntities(ctx context.Context, path string) (bool, error) {
	stop := errors.New("a record was read")
	said, _, err := Read(ctx, path, func(lines.Place, string, string) {}, func(Record) error { return stop })
	if errors.Is(err, stop) {
		err = nil
	}
	return said.Kind == "gpi", err
}

// Read reads the file at path, which may be compressed by gzip, and calls take
// for each of its lines. Those that say nothing are left out, and note is told. It
// returns what the file says of itself, and how many lines there were.
func Read(ctx context.Context, path string, note lines.Note, take func(Record) error) (said lines.Version, number int, err error) {
	text, err := lines.Open(ctx, path, func(at lines.Place, what string) { note(at, what, ""); number++ })
	if err != nil {
		return said, 0, err
	}
	defer func() { _ = text.Close() }()
	f := &file{text: text, note: note, said: lines.Version{File: text.Place.File}}
	if err := f.read(take); err != nil {
		return f.said, 0, fmt.Errorf("%s: %w", path, err)
	}
	return f.said.Cleaned(), number + f.number, nil
}

// file is one that is being read.
type file struct {
	text   *lines.Reader
	note   lines.Note
	form   *format // nil: not known yet
	said   lines.Version
	number int // of lines with a record
}

func (f *file) read(take func(Record) error) error {
	for {
		line, err := f.text.Next()
		switch {
		case errors.Is(err, io.EOF) && f.form != nil:
			return nil
		case errors.Is(err, io.EOF):
			return ErrUnknown
		case err != nil:
			return err
		}
		if err := f.line(string(line), take); err != nil {
			return err
		}
	}
}

func (f *file) line(content string, take func(Record) error) error {
	switch {
	case strings.HasPrefix(content, "!"):
		f.header(content)
		return nil
	case strings.TrimSpace(content) == "":
		return nil
	case f.form == nil:
		return ErrUnknown
	}
	f.number++
	record, fault := f.form.record(content)
	if fault != "" {
		f.note(f.text.Place, fault, "")
		return nil
	}
	record.Place = f.text.Place
	return take(record)
}

// header reads a line about the file.
func (f *file) header(line string) {
	name, value, ok := strings.Cut(strings.TrimPrefix(line, "!"), ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if !ok {
		return
	}
	if form, known := formats[name+" "+value]; known && f.form == nil {
		f.form = &form
		f.said.Kind, _, _ = strings.Cut(name, "-")
	}
	// Headers of the files that this one was made from may follow.
	switch name {
	case "date-generated", "generated":
		f.said.Date = cmp.Or(f.said.Date, value)
	case "project-release":
		f.said.Version = cmp.Or(f.said.Version, value)
	}
}

func (f format) record(line string) (Record, string) {
	cells := strings.Split(line, "\t")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	for len(cells) > f.columns && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) < f.fewest || len(cells) > f.columns {
		return Record{}, fmt.Sprintf("the line does not have %d columns", f.columns)
	}
	for len(cells) < f.columns {
		cells = append(cells, "")
	}
	return f.read(cells)
}

// list splits a cell.
func list(cell string) []string {
	var all []string
	for _, part := range strings.Split(cell, "|") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// longestID is how many bytes an ID may have.
const longestID = 255

// identified tells whether a text is like "GO:0008150".
func identified(id string) bool {
	prefix, local, ok := strings.Cut(id, ":")
	return ok && prefix != "" && local != "" && len(id) <= longestID && !strings.ContainsAny(id, " |,<>\"'&\\")
}

// taxon returns "NCBITaxon:9606" for that and for "taxon:9606", or "".
func taxon(text string) string {
	number, ok := strings.CutPrefix(text, "taxon:")
	if !ok {
		number, ok = strings.CutPrefix(text, "NCBITaxon:")
	}
	if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
		return ""
	}
	return "NCBITaxon:" + number
}

// date returns "20261105" for that and for "2026-11-05" with or without a time,
// or "".
func date(text string) string {
	text, _, _ = strings.Cut(text, "T")
	text = strings.ReplaceAll(text, "-", "")
	if _, err := time.Parse("20060102", text); err != nil {
		return ""
	}
	return text
}
