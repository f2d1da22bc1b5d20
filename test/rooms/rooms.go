// Command rooms draws which rooms of the engine import which, as a Mermaid
// graph for docs/development.md. It reads the imports, so it can't lie; a test
// compares what it draws with what the page shows.
package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"path/filepath"
	"slices"
	"strings"
)

// engine is what the paths of the engine's packages begin with.
const engine = "github.com/geneontology/packer-plugin-amigo/internal/"

func main() {
	graph, err := draw("internal")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(graph)
}

// draw returns the graph of the rooms below a directory.
func draw(dir string) (string, error) {
	arrows := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return arrowsOf(path, room(filepath.ToSlash(rel)), arrows)
	})
	if err != nil {
		return "", fmt.Errorf("reading imports: %w", err)
	}
	var lines []string
	for arrow := range arrows {
		lines = append(lines, "    "+arrow+"\n")
	}
	slices.Sort(lines)
	return "```mermaid\ngraph TD\n" + strings.Join(lines, "") + "```\n", nil
}

// arrowsOf adds an arrow for every other room that a file imports.
func arrowsOf(path, from string, arrows map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, imported := range file.Imports {
		name, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), engine)
		if to := room(name); ours && to != from {
			arrows[from+" --> "+to] = true
		}
	}
	return nil
}

func room(path string) string {
	name, _, _ := strings.Cut(path, "/")
	return name
}
