package use

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
)

// The newest consoles stay, and no log goes.
func TestConsolesAreBounded(t *testing.T) {
	dir := cache.At(t.TempDir())
	if err := os.MkdirAll(cli.LogDir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(cli.LogDir(dir), "20260101T000000-run-1.log")
	paths := []string{log}
	for i := range consolesKept + 3 {
		paths = append(paths, consoleOf(dir, fmt.Sprint("m", i)))
	}
	for i, path := range paths {
		at := time.Now().Add(time.Duration(i-len(paths)) * time.Minute)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	sweepConsoles(t.Context(), imagestore.At(t.TempDir()), dir)
	for i, path := range paths {
		_, err := os.Stat(path)
		if stays := i == 0 || i > 3; stays != (err == nil) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
