package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// NotOursError says that an output directory holds what this project did not
// make.
type NotOursError struct{ Path string }

func (e *NotOursError) Error() string {
	return fmt.Sprintf("the output directory %s exists and was not made by amigo-image (move it away or set another)", e.Path)
}

// Fault implements [fault.Reporter].
func (e *NotOursError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Other, Try: fault.To(fault.MoveOutput, e.Path)}
}

// Check returns the absolute path of the output directory final, or an error
// when a run may not put its results there: over a directory that people live
// in, over anything that is not ours, through a symbolic link. An empty
// directory may be taken.
func Check(final string) (string, error) {
	if final == "" {
		return "", errors.New("the output directory is empty")
	}
	path, err := filepath.Abs(final)
	if err != nil {
		return "", fmt.Errorf("finding the output directory: %w", err)
	}
	for _, dir := range inhabited() {
		if within(path, dir) {
			return "", fmt.Errorf("the output directory %s would replace %s (set a directory of its own)", final, dir)
		}
	}
	return path, checkTaken(path)
}

func checkTaken(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the output directory: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("the output directory %s is a symbolic link (set the directory that it leads to)", path)
	case !info.IsDir():
		return fmt.Errorf("the output directory %s is a file", path)
	case marked(path):
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("looking at the output directory: %w", err)
	}
	if len(entries) > 0 {
		return &NotOursError{Path: path}
	}
	return nil
}

// inhabited are the directories that no output may replace, nor one above them.
func inhabited() []string {
	dirs := []string{"/"}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Clean(home))
	}
	if cwd, err := os.Getwd(); err == nil {
		dirs = append(dirs, cwd)
	}
	return dirs
}

// within tells whether inner is outer or below it.
func within(outer, inner string) bool {
	return inner == outer || strings.HasPrefix(inner, strings.TrimSuffix(outer, "/")+"/")
}
