// Package golr makes GOlr, AmiGO's search server: Solr's program and home, and
// an index that was opened in it before anybody relies on it.
package golr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/gosite"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/loader"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Spec says where GOlr's parts are. One of Release, Index, Documents, Load and URL is
// set.
type Spec struct {
	Release   string       // of the Gene Ontology, as package gosite has it
	Index     string       // directory, or archive of one, with Lucene's files
	Documents []string     // files in Solr's XML or JSON form, which gzip may have compressed
	Load      loader.Input // what documents are made from
	URL       string       // address of an archive of an index
	Checksum  string       // of Index, if that is an archive, or of URL: "sha256:..."
	War       string       // path or address of solr.war; "": [Solr], from Maven's repository
	WarSum    string       // of War, "sha256:..."; needed for an address
	Fetch     fetch.Options
}

// Index is GOlr's data, as Solr sees it.
type Index struct {
	Dir       string // with Lucene's files
	Digest    string // of what it was made from, and of how
	Size      int64  // bytes
	Documents int
	Kinds     map[string]int64 // of documents, and how many there are: "annotation"
	Term      string           // identifier of a term in it, or ""
	Label     string           // the term's name, or ""
}

// Validate says what is wrong with spec, as far as can be told without the
// network, each fault as that of its field (package field).
func Validate(spec Spec) error {
	faults := []error{spec.validateChoice(), spec.Load.Validate()}
	fault := func(is bool, name, format string, args ...any) {
		if is {
			faults = append(faults, field.Errorf(name, format, args...))
		}
	}
	if spec.Release != "" {
		faults = append(faults, gosite.Validate(spec.Release))
	}
	fault(spec.War == "" && spec.WarSum != "", "GOlr.WarSum", "there is no file that it could be the checksum of")
	fault(fetch.IsURL(spec.War) && spec.WarSum == "", "GOlr.WarSum", "is missing: a file from the network is used only with \"sha256:...\"")
	fault(spec.URL != "" && spec.Checksum == "", "GOlr.Checksum", "is missing: a file from the network is used only with \"sha256:...\"")
	faults = append(faults, field.Wrap("GOlr.Checksum", fetch.ValidChecksum(spec.Checksum)), field.Wrap("GOlr.WarSum", fetch.ValidChecksum(spec.WarSum)))
	if !fetch.IsURL(spec.War) {
		faults = append(faults, exist("GOlr.War", spec.War))
	}
	faults = append(faults, exist("GOlr", spec.Index), exist("GOlr", spec.Documents...))
	faults = append(faults, exist("GOlr.Ontology", spec.Load.Ontologies...), exist("GOlr.Annotations", spec.Load.Annotations...))
	return errors.Join(faults...)
}

func (s Spec) validateChoice() error {
	given := 0
	for _, there := range []bool{s.Release != "", s.Index != "", len(s.Documents) > 0, len(s.Load.Ontologies) > 0, s.URL != ""} {
		if there {
			given++
		}
	}
	if given != 1 {
		return field.Errorf("GOlr", "needs exactly one of release, index, documents, ontology and url, and has %d", given)
	}
	return nil
}

// exist says which files of a field are not there.
func exist(name string, paths ...string) error {
	var faults []error
	for _, path := range paths {
		faults = append(faults, field.Wrap(name, exists(path)))
	}
	return errors.Join(faults...)
}

func exists(path string) error {
	if path == "" {
		return nil
	}
	_, err := os.Stat(path)
	var detail *fs.PathError
	if errors.As(err, &detail) {
		return fmt.Errorf("%s: %w", path, detail.Err)
	}
	return err
}

// Make returns the index, made or checked by the Solr in webapp with the
// configuration in the directory conf. A result is kept in the cache.
func Make(ctx context.Context, c cache.Dir, open func() (workshop.Workshop, error), spec Spec, webapp WebApp, conf string, out io.Writer) (index Index, cached bool, err error) {
	data, err := gather(ctx, c, spec)
	if err != nil {
		return Index{}, false, err
	}
	settings, err := confDigest(conf)
	if err != nil {
		return Index{}, false, err
	}
	key := cache.Key(data.digest, settings, webapp.Digest, script)
	entry, cached, err := c.Get(ctx, "golr", key, func(dir string) error {
		shop, err := open()
		if err != nil {
			return err
		}
		return run(ctx, shop, data, webapp, conf, dir, out)
	})
	if err != nil {
		return Index{}, false, err
	}
	index, err = read(filepath.Join(entry, "out"))
	if err != nil {
		return Index{}, false, err
	}
	index.Dir, index.Digest = data.index, key
	if data.index == "" {
		index.Dir = filepath.Join(entry, "out", "index")
	}
	index.Size, err = sizeOf(index.Dir)
	return index, cached, err
}

// read reads what the script has found out.
func read(dir string) (Index, error) {
	text, err := regular.ReadFile(filepath.Join(dir, "about"), regular.Document)
	if err != nil {
		return Index{}, fmt.Errorf("reading what GOlr holds: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 3 {
		return Index{}, fmt.Errorf("reading what GOlr holds: %q is not a number, a term and kinds", text)
	}
	count, err := strconv.Atoi(lines[0])
	if err != nil {
		return Index{}, fmt.Errorf("reading what GOlr holds: %w", err)
	}
	term, label, _ := strings.Cut(lines[1], "\t")
	index := Index{Documents: count, Term: term, Label: label}
	if err := json.Unmarshal([]byte(lines[2]), &index.Kinds); err != nil {
		return Index{}, fmt.Errorf("reading what kinds of documents GOlr holds: %w", err)
	}
	return index, nil
}
