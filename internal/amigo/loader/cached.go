package loader

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Digest tells what decides the documents.
func (in Input) Digest() (string, error) {
	missing, err := lacking(in.Schema)
	if err != nil {
		return "", err
	}
	parts := []string{Version, in.MaxSkipped, strings.Join(missing, " "), fmt.Sprint(len(in.Ontologies))}
	for _, files := range [][]string{in.Ontologies, in.Annotations} {
		for _, file := range files {
			sum, err := fetch.Sum(file)
			if err != nil {
				return "", err
			}
			parts = append(parts, filepath.Base(file), sum)
		}
	}
	return cache.Key(parts...), nil
}

// Names of files in an entry of the cache.
const reportFile = "report.json"

// entry is what the cache keeps besides the documents.
type entry struct {
	Files  []string
	Report Report
}

// Get is [Load] with the cache. cached tells whether the documents were there.
func Get(ctx context.Context, c cache.Dir, in Input, progress func(permille int64)) (files []string, report *Report, cached bool, err error) {
	key, err := in.Digest()
	if err != nil {
		return nil, nil, false, err
	}
	dir, cached, err := c.Get(ctx, "documents", key, func(dir string) error {
		made, report, err := Load(ctx, in, dir, progress)
		if err != nil {
			return err
		}
		e := entry{Report: *report}
		for _, file := range made {
			e.Files = append(e.Files, filepath.Base(file))
		}
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, reportFile), text, 0o644)
	})
	if err != nil {
		return nil, nil, false, err
	}
	text, err := regular.ReadFile(filepath.Join(dir, reportFile), regular.Document)
	if err != nil {
		return nil, nil, false, err
	}
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, nil, false, fmt.Errorf("reading what was loaded: %w", err)
	}
	for _, name := range e.Files {
		files = append(files, filepath.Join(dir, name))
	}
	return files, &e.Report, cached, nil
}
