package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
)

// Column is a column of a table.
type Column struct {
	Name string
	// Rank is how soon the column goes when there is no room: the highest goes
	// first, 0 never.
	Rank int
	// Wrap is for sentences: they go on in further lines when there is no room,
	// unless less than [narrowest] columns are left.
	Wrap bool
}

// narrowest is how narrow a column of sentences can be.
const narrowest = 24

// gap is what is between two columns.
const gap = "  "

// Table lays out rows under their columns' names in at most width columns of a
// terminal. When there is no room sentences are wrapped, and then whole columns
// go; nothing is cut.
func Table(columns []Column, rows [][]string, width int) []string {
	rows = printableCells(rows)
	keep := make([]bool, len(columns))
	for i := range keep {
		keep[i] = true
	}
	widths := columnWidths(columns, rows)
	for total(wrapped(columns, widths, keep, width), keep) > width {
		worst := -1
		for i, c := range columns {
			if keep[i] && c.Rank > 0 && (worst < 0 || c.Rank > columns[worst].Rank) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		keep[worst] = false
	}
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.Name
	}
	widths = wrapped(columns, widths, keep, width)
	lines := []string{tableLine(head, widths, keep)}
	for _, row := range rows {
		for _, cells := range wrapRow(row, widths) {
			lines = append(lines, tableLine(cells, widths, keep))
		}
	}
	return lines
}

// wrapped returns the widths with sentences as narrow as they must be.
func wrapped(columns []Column, widths []int, keep []bool, width int) []int {
	widths = slices.Clone(widths)
	for i, c := range columns {
		if over := total(widths, keep) - width; c.Wrap && keep[i] && over > 0 {
			widths[i] = max(widths[i]-over, min(widths[i], narrowest))
		}
	}
	return widths
}

// wrapRow breaks a row into the lines that its cells need.
func wrapRow(row []string, widths []int) [][]string {
	var lines [][]string
	for i, cell := range row {
		parts := []string{cell}
		if runewidth.StringWidth(cell) > widths[i] {
			parts = strings.Split(terminal.WrapWords(cell, widths[i]), "\n")
		}
		for len(lines) < len(parts) {
			lines = append(lines, make([]string, len(row)))
		}
		for n, part := range parts {
			lines[n][i] = part
		}
	}
	return lines
}

// printableCells escapes cells before their widths are taken.
func printableCells(rows [][]string) [][]string {
	var clean [][]string
	for _, row := range rows {
		var cells []string
		for _, cell := range row {
			cells = append(cells, printable.Line(cell))
		}
		clean = append(clean, cells)
	}
	return clean
}

func columnWidths(columns []Column, rows [][]string) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = runewidth.StringWidth(c.Name)
		for _, row := range rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	return widths
}

func total(widths []int, keep []bool) int {
	sum := -len(gap)
	for i, w := range widths {
		if keep[i] {
			sum += w + len(gap)
		}
	}
	return sum
}

func tableLine(cells []string, widths []int, keep []bool) string {
	var kept []string
	for i, cell := range cells {
		if keep[i] {
			kept = append(kept, runewidth.FillRight(cell, widths[i]))
		}
	}
	return strings.TrimRight(strings.Join(kept, gap), " ")
}

// WriteTable writes a table that fits the terminal.
func WriteTable(columns []Column, rows [][]string) {
	for _, line := range Table(columns, rows, terminal.Width(os.Stdout)) {
		fmt.Fprintln(Stdout, line)
	}
}
