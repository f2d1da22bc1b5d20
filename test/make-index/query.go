package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// query calls take with the cells of each row that a query finds.
func query(ctx context.Context, file, sql string, take func([]string)) error {
	rows, err := command.Output(ctx, command.Cmd{Name: "sqlite3", Args: []string{"-readonly", "-tabs", file, sql}})
	if err != nil {
		return fmt.Errorf("asking %s: %w", file, err)
	}
	for row := range strings.Lines(string(rows)) {
		take(strings.Split(strings.TrimSuffix(row, "\n"), "\t"))
	}
	return nil
}
