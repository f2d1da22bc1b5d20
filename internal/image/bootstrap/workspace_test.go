package bootstrap

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIsOpen(t *testing.T) {
	// The test's own directory may be closed; where all temporary files are is not.
	parent, err := os.MkdirTemp(spacious, "open-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	dir := filepath.Join(parent, "cache", "entry")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o700: false, 0o750: false, 0o711: true, 0o755: true} {
		if err := os.Chmod(parent, mode); err != nil {
			t.Fatal(err)
		}
		if got := isOpen(dir); got != want {
			t.Errorf("below a directory of mode %o: %v", mode, got)
		}
	}
	if isOpen(filepath.Join(dir, "missing")) {
		t.Error("what is not there is open")
	}
}

func TestWorkspaceIsOpen(t *testing.T) {
	dir, err := Workspace(spacious)
	if err != nil {
		t.Fatal(err)
	}
	if !isOpen(dir.Path()) || filepath.Dir(dir.Path()) != spacious {
		t.Errorf("%s is closed or elsewhere", dir.Path())
	}
	dir.Close()
	if _, err := os.Stat(dir.Path()); err == nil {
		t.Errorf("%s is left", dir.Path())
	}
}
