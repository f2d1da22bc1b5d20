package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// show writes a build's artifacts to standard output.
func (a *app) show(r pipeline.Result) error {
	if a.json {
		return a.showJSON(r)
	}
	if r.Unchanged {
		fmt.Fprintf(stdout, "%s: nothing changed\n", r.Build)
	}
	if r.Err == nil {
		list(r.Artifacts)
	}
	return nil
}

// list writes what was made, a file a line.
func list(artifacts []pipeline.Artifact) {
	for _, artifact := range artifacts {
		for _, f := range artifact.Files {
			fmt.Fprintln(stdout, "  "+line(f))
		}
		if len(artifact.Files) == 0 && artifact.Text != "" {
			fmt.Fprintln(stdout, "  "+artifact.Text)
		}
	}
}

func line(f pipeline.File) string {
	text := fmt.Sprintf("%s  %s", relative(f.Path), terminal.Bytes(f.Size))
	if len(f.SHA256) > 8 {
		text += "  sha256 " + f.SHA256[:8] + ".."
	}
	return text
}

func relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return short
}

func (a *app) showJSON(r pipeline.Result) error {
	out := terminal.NewJSON(stdout.Document())
	var errs []error
	for _, artifact := range r.Artifacts {
		errs = append(errs, out.Object(struct {
			Type  string `json:"type"`
			Build string `json:"build"`
			pipeline.Artifact
		}{"artifact", r.Build, artifact}))
	}
	errs = append(errs, out.Object(struct {
		Type      string  `json:"type"`
		Build     string  `json:"build"`
		OK        bool    `json:"ok"`
		Unchanged bool    `json:"unchanged"`
		Seconds   float64 `json:"seconds"`
	}{"result", r.Build, r.Err == nil, r.Unchanged, r.Elapsed.Round(100 * time.Millisecond).Seconds()}))
	return errors.Join(errs...)
}

func (a *app) summary(elapsed time.Duration) {
	if !a.json && !a.quiet {
		fmt.Fprintf(stderr, "  %s  log: %s\n", terminal.Elapsed(elapsed), a.logPath)
	}
}

// kept names what a failed run has finished.
func kept(results []pipeline.Result) string {
	var names []string
	for _, r := range results {
		for _, artifact := range r.Artifacts {
			for _, f := range artifact.Files {
				names = append(names, relative(f.Path))
			}
		}
	}
	return strings.Join(names, ", ")
}
