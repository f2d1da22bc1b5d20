package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// query calls take with the cells of each row that a query finds.
func (d databases) query(file, sql string, take func([]string)) error {
	cmd := exec.CommandContext(d.ctx, "sqlite3", "-readonly", "-tabs", file, sql)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	rows := bufio.NewScanner(out)
	rows.Buffer(nil, 1<<20)
	for rows.Scan() {
		take(strings.Split(rows.Text(), "\t"))
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("asking %s: %w", file, err)
	}
	return rows.Err()
}
