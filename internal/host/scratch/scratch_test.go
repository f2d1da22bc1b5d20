package scratch

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
)

func dir(t *testing.T, parent string) *Dir {
	t.Helper()
	d, err := New(parent, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestOneOfALivingRunStays(t *testing.T) {
	parent := t.TempDir()
	first, second := dir(t, parent), dir(t, parent)
	if !there(first.Path()) {
		t.Error("the second swept the first away")
	}
	second.Close()
	if there(second.Path()) {
		t.Error("the second is still there")
	}
}

func TestOneOfADeadRunGoes(t *testing.T) {
	parent := t.TempDir()
	dead := dir(t, parent)
	if err := os.WriteFile(dead.Path("disk"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// As the kernel does with the files of who has died.
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}
	unmarked := filepath.Join(parent, prefix+"unmarked")
	if err := os.Mkdir(unmarked, 0o700); err != nil {
		t.Fatal(err)
	}
	dir(t, parent)
	if there(dead.Path()) || there(unmarked) {
		t.Error("what the dead left is still there")
	}
}

func TestWhatIsNotOursStays(t *testing.T) {
	parent, elsewhere := t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(parent, prefix+"thesis", "text"), filepath.Join(elsewhere, marker)} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(elsewhere, filepath.Join(parent, prefix+"link")); err != nil {
		t.Fatal(err)
	}
	dir(t, parent)
	if !there(filepath.Join(parent, prefix+"thesis", "text")) || !there(filepath.Join(elsewhere, marker)) {
		t.Error("something of others is gone")
	}
}

func TestManyAtOnce(t *testing.T) {
	parent := t.TempDir()
	var group errgroup.Group
	for range 16 {
		group.Go(func() error {
			for range 50 {
				d, err := New(parent, "test")
				if err != nil {
					return err
				}
				if err := os.WriteFile(d.Path("file"), nil, 0o600); err != nil {
					return err
				}
				d.Close()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
