package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// phases knows how long each build's phases took. It is a sink.
type phases struct {
	mu sync.Mutex
	of map[string][]phase // by build, in the order in which they ended
}

// phase is a phase that has ended, or several of one name.
type phase struct {
	name    string
	count   int
	elapsed time.Duration
	status  event.Status
}

// Emit takes note of a phase that ends.
func (p *phases) Emit(e event.Event) {
	if e.Type != event.PhaseEnd {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string][]phase{}
	}
	all := p.of[e.Build]
	at := slices.IndexFunc(all, func(one phase) bool { return one.name == e.Phase })
	if at < 0 {
		at, all = len(all), append(all, phase{name: e.Phase})
	}
	all[at].count++
	all[at].elapsed += e.Elapsed
	all[at].status = e.Status
	p.of[e.Build] = all
}

// Close does nothing.
func (p *phases) Close() error { return nil }

// unbroken is a space at which no line is broken.
const unbroken = "\u00a0"

// text is "base 71 s cached", or "transfer (3) 0.1 s" for several, with at most so many
// columns for the name. A build that was stopped need not say so of each phase.
func (p phase) text(name int, stopped bool) string {
	words := []string{terminal.Shorten(p.name, name), terminal.Elapsed(p.elapsed)}
	if p.count > 1 {
		words = slices.Insert(words, 1, fmt.Sprintf("(%d)", p.count))
	}
	text := strings.ReplaceAll(strings.Join(words, " "), " ", unbroken)
	if p.status == event.OK || stopped && p.status == event.Failed {
		return text
	}
	return text + " " + string(p.status)
}

// buildTable says what became of each build, and how long its phases took.
func buildTable(results []pipeline.Result, of map[string][]phase, width int) []string {
	columns := []cli.Column{{Name: "BUILD"}, {Name: "RESULT"}, {Name: "TIME"}, {Name: "PHASES", Wrap: true, Rank: 1}}
	var lines []string
	for _, name := range []int{24, 10} {
		lines = cli.Table(columns, buildRows(results, of, width/3, name), width-1)
		if fits(lines, width) {
			break
		}
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], unbroken, " ")
	}
	return lines
}

// buildRows has names of at most so many columns.
func buildRows(results []pipeline.Result, of map[string][]phase, build, phase int) [][]string {
	var rows [][]string
	for _, r := range results {
		var texts []string
		for _, p := range of[r.Build] {
			texts = append(texts, p.text(phase, stopped(r)))
		}
		rows = append(rows, []string{terminal.Shorten(r.Build, build), outcome(r), terminal.Elapsed(r.Elapsed), strings.Join(texts, ", ")})
	}
	return rows
}

func fits(lines []string, width int) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return runewidth.StringWidth(line) >= width })
}

// stopped reports whether somebody stopped the build.
func stopped(r pipeline.Result) bool { return errors.Is(r.Err, context.Canceled) }

func outcome(r pipeline.Result) string {
	switch {
	case stopped(r):
		return "stopped"
	case r.Err != nil:
		return string(event.Failed)
	case r.Unchanged:
		return "unchanged"
	default:
		return string(event.OK)
	}
}

// artifactTable lists what was made, with as much of digests as there is room for. It is
// nil if there is nothing, or if paths are too long for a table.
func artifactTable(results []pipeline.Result, width int) []string {
	for _, try := range []struct{ digest, builds int }{{64, 1}, {12, 1}, {12, 0}} {
		columns := []cli.Column{{Name: "ARTIFACT", Wrap: true}, {Name: "SIZE"}, {Name: "SHA-256"}, {Name: "BUILD"}}[:3+try.builds]
		rows := artifactRows(results, try.digest, width/3)
		for i := range rows {
			rows[i] = rows[i][:len(columns)]
		}
		lines := cli.Table(columns, rows, width-1)
		if len(rows) > 0 && fits(lines, width) {
			return lines
		}
	}
	return nil
}

func artifactRows(results []pipeline.Result, digest, name int) [][]string {
	var rows [][]string
	for _, r := range results {
		build := terminal.Shorten(r.Build, name)
		for _, a := range r.Artifacts {
			for _, f := range a.Files {
				rows = append(rows, []string{cli.Relative(f.Path), bytesize.Of(f.Size), short(f.SHA256, digest), build})
			}
			if len(a.Files) == 0 && a.Text != "" {
				rows = append(rows, []string{a.Text, "-", "-", build})
			}
		}
	}
	return rows
}

// short is the beginning of a digest, or "-" for one that was not computed.
func short(digest string, n int) string {
	switch {
	case digest == "":
		return "-"
	case len(digest) <= n:
		return digest
	default:
		return digest[:n] + ".."
	}
}
