package bootstrap

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/scratch"
)

// spacious is where temporary files go that may be too large for /tmp, which
// may be memory.
const spacious = "/var/tmp"

// Workspace makes the directory that mmdebstrap gets as TMPDIR, in the first of
// the parents that will do, else in $TMPDIR or /var/tmp. Where we are not root,
// mmdebstrap works as a subordinate id, a stranger to our files: it can't enter
// what is below a home that is closed to others.
func Workspace(parents ...string) (*scratch.Dir, error) {
	dir, err := scratch.New(firstOpen(append(parents, os.Getenv("TMPDIR"), spacious)), "mmdebstrap")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir.Path(), 0o711); err != nil {
		dir.Close()
		return nil, fmt.Errorf("opening a temporary directory: %w", err)
	}
	return dir, nil
}

// firstOpen returns the path without links of the first directory that will do.
func firstOpen(dirs []string) string {
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		path, err := filepath.Abs(dir)
		if err == nil {
			path, err = filepath.EvalSymlinks(path)
		}
		if err == nil && (os.Geteuid() == 0 || isOpen(path)) {
			return path
		}
	}
	return spacious
}

// isOpen tells whether others can enter a directory and all that it is in.
func isOpen(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == "/" {
			return true
		}
		dir = filepath.Dir(dir)
	}
}
