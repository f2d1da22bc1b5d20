package build

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// show writes what was built to standard output: tables on a terminal, plain lines or
// JSON elsewhere.
func (b *buildFlags) show(a *cli.App, results []pipeline.Result, of map[string][]phase) error {
	if b.machine {
		showMachine(terminal.NewMachine(cli.Stdout.Document()), results)
		return nil
	}
	if !a.JSON && !a.Plain && terminal.Is(os.Stdout) {
		showTables(a, results, of)
		return nil
	}
	var errs []error
	for _, r := range results {
		errs = append(errs, showResult(a, r))
	}
	return errors.Join(errs...)
}

// showTables ends with what was made. --quiet leaves out how.
func showTables(a *cli.App, results []pipeline.Result, of map[string][]phase) {
	width := terminal.Width(os.Stdout)
	if !a.Quiet && len(results) > 0 {
		fmt.Fprintln(cli.Stdout, "\n"+strings.Join(buildTable(results, of, width), "\n")+"\n")
	}
	if lines := artifactTable(results, width); lines != nil {
		fmt.Fprintln(cli.Stdout, strings.Join(lines, "\n"))
		return
	}
	for _, r := range results {
		list(r.Artifacts)
	}
}

func showResult(a *cli.App, r pipeline.Result) error {
	if a.JSON {
		return showJSON(r)
	}
	if r.Unchanged {
		fmt.Fprintf(cli.Stdout, "%s: nothing changed\n", r.Build)
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
			fmt.Fprintln(cli.Stdout, "  "+line(f))
		}
		if len(artifact.Files) == 0 && artifact.Text != "" {
			fmt.Fprintln(cli.Stdout, "  "+artifact.Text)
		}
	}
}

func line(f pipeline.File) string {
	text := fmt.Sprintf("%s  %s", cli.Relative(f.Path), bytesize.Of(f.Size))
	if len(f.SHA256) > 8 {
		text += "  sha256 " + f.SHA256[:8] + ".."
	}
	return text
}

func showJSON(r pipeline.Result) error {
	out := terminal.NewJSON(cli.Stdout.Document())
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

func summary(a *cli.App, elapsed time.Duration) {
	if !a.JSON && !a.Quiet {
		text := "  " + terminal.Elapsed(elapsed)
		if a.LogPath != "" {
			text += "  log: " + a.LogPath
		}
		fmt.Fprintln(cli.Stderr, terminal.Wrapped(os.Stderr, text))
	}
}

// kept names what a failed run has finished.
func kept(results []pipeline.Result) string {
	var names []string
	for _, r := range results {
		for _, artifact := range r.Artifacts {
			for _, f := range artifact.Files {
				names = append(names, cli.Relative(f.Path))
			}
		}
	}
	return strings.Join(names, ", ")
}
