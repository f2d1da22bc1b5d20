package golr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// data is what an index is made of.
type data struct {
	digest    string
	index     string   // directory with Lucene's files, or ""
	documents []string // files to post
}

// Digest tells what decides the index, without the network: for an address,
// the checksum that it must have.
func Digest(spec Spec) (string, error) {
	parts := []string{script, jetty.SHA256, spec.URL, spec.Checksum, spec.WarSum}
	switch {
	case spec.War == "":
		parts = append(parts, Solr.SHA256)
	case !fetch.IsURL(spec.War):
		sum, err := fetch.Sum(spec.War)
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	if spec.Index != "" {
		sum, err := stamp(spec.Index)
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	for _, file := range spec.Documents {
		sum, err := fetch.Sum(file)
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	if len(spec.Load.Ontologies) > 0 {
		sum, err := spec.Load.Digest()
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	return cache.Key(parts...), nil
}

func gather(ctx context.Context, c cache.Dir, spec Spec) (data, error) {
	if len(spec.Documents) > 0 {
		return documents(spec.Documents)
	}
	location := spec.Index
	if spec.URL != "" {
		location = spec.URL
	}
	if info, err := os.Stat(location); err == nil && info.IsDir() {
		return fromDir(location)
	}
	file, sum, err := fetch.File(ctx, c, location, spec.Checksum, spec.Fetch)
	if err != nil {
		return data{}, err
	}
	entry, _, err := c.Get(ctx, "index", cache.Key(sum), func(dir string) error {
		return unpack.File(ctx, file, dir)
	})
	if err != nil {
		return data{}, err
	}
	index, err := locate(entry)
	return data{digest: sum, index: index}, err
}

func documents(files []string) (data, error) {
	d := data{}
	var parts []string
	for _, file := range files {
		sum, err := fetch.Sum(file)
		if err != nil {
			return data{}, err
		}
		// A link to a file is of no use where its target is not.
		target, err := filepath.EvalSymlinks(file)
		if err != nil {
			return data{}, err
		}
		parts = append(parts, sum)
		d.documents = append(d.documents, target)
	}
	d.digest = cache.Key(parts...)
	return d, nil
}

func fromDir(dir string) (data, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return data{}, err
	}
	index, err := locate(absolute)
	if err != nil {
		return data{}, err
	}
	sum, err := stamp(index)
	return data{digest: sum, index: index}, err
}

// errNoIndex ends a search; it says what an index looks like.
var errNoIndex = errors.New("holds no Lucene index (no file segments_…)")

// locate finds the directory with Lucene's files in dir or below.
func locate(dir string) (string, error) {
	found := ""
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(entry.Name(), "segments_") && !entry.IsDir() {
			found = filepath.Dir(path)
			return filepath.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = errNoIndex
	}
	if err != nil {
		return "", field.Errorf("GOlr", "%s: %w", dir, err)
	}
	return found, nil
}

// stamp tells directories and files apart by names, sizes and times, since an
// index is too large to be read for each question.
func stamp(location string) (string, error) {
	parts := []string{"stamp"}
	err := filepath.WalkDir(location, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			parts = append(parts, path, fmt.Sprint(info.Size()), info.ModTime().UTC().String())
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("golr: looking at the index: %w", err)
	}
	return cache.Key(parts...), nil
}

func confDigest(conf string) (string, error) {
	files, err := fileset.Tree(conf, "/", nil)
	if err != nil {
		return "", err
	}
	return files.Digest()
}
