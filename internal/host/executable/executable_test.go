package executable

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// TestBusy writes programs and runs them while others do the same.
func TestBusy(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 40 {
				path := filepath.Join(dir, fmt.Sprintf("%d-%d", i, j))
				if err := Write(path, []byte("#!/bin/sh\n")); err != nil {
					t.Error(err)
				}
				if err := command.Run(t.Context(), command.Cmd{Name: path}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestWriteTakesNoFileThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := Write(path, nil); err != nil {
		t.Fatal(err)
	}
	if Write(path, nil) == nil {
		t.Error("it was overwritten")
	}
}
