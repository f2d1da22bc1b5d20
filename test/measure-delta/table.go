package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// table prints results.
type table struct{ qcow2 int64 }

var rows table

// row prints one; what is not known is 0.
func (t *table) row(what string, moved int64, took time.Duration, memory int64) {
	cells := []string{what, "", "", "", ""}
	if moved > 0 {
		cells[1] = fmt.Sprint(moved)
		cells[2] = fmt.Sprintf("%.1f %%", 100*float64(moved)/float64(t.qcow2))
	}
	if took > 0 {
		cells[3] = fmt.Sprintf("%.1f s", took.Seconds())
	}
	if memory > 0 {
		cells[4] = fmt.Sprintf("%d MiB", memory>>20)
	}
	fmt.Println("| " + strings.Join(cells, " | ") + " |")
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
