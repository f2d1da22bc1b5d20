package use

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
)

// consolesKept is how many consoles of machines stay that run no more.
const consolesKept = 20

// consoleOf is the file that gets a machine's console.
func consoleOf(dir cache.Dir, machine string) string {
	return filepath.Join(cli.LogDir(dir), "console-"+machine+".log")
}

// sweepConsoles removes the oldest consoles of machines that are gone. Nobody
// waits for it: what cannot go stays for another time.
func sweepConsoles(ctx context.Context, store imagestore.Store, dir cache.Dir) {
	machines, err := store.Machines(ctx)
	if err != nil {
		return
	}
	paths, _ := filepath.Glob(consoleOf(dir, "*"))
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return slices.ContainsFunc(machines, func(m imagestore.Machine) bool { return consoleOf(dir, m.Name) == path })
	})
	slices.SortFunc(paths, func(a, b string) int { return modified(b).Compare(modified(a)) })
	for _, old := range paths[min(len(paths), consolesKept):] {
		_, _ = os.Remove(old), os.Remove(launch.JournalsOf(old))
	}
}

// modified is when a file was written to, long ago if it is gone.
func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
