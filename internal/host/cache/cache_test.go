package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/errgroup"
)

func write(content string) func(string) error {
	return func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o644)
	}
}

func TestGetMakesOnce(t *testing.T) {
	c := At(t.TempDir())
	var made atomic.Int32
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			dir, _, err := c.Get(t.Context(), "kind", "key", func(dir string) error {
				made.Add(1)
				return write("content")(dir)
			})
			if err != nil {
				return err
			}
			_, err = os.Stat(filepath.Join(dir, "file"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	c := At(t.TempDir())
	broken := errors.New("broken")
	_, _, err := c.Get(t.Context(), "kind", "key", func(dir string) error {
		_ = write("half")(dir)
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"key", "key.partial"} {
		if _, err := os.Stat(filepath.Join(c.Path(), "kind", name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestLeftoverOfADeadBuildIsNotUsed(t *testing.T) {
	c := At(t.TempDir())
	partial := filepath.Join(c.Path(), "kind", "key.partial")
	if err := os.MkdirAll(partial, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write("half")(partial); err != nil {
		t.Fatal(err)
	}
	dir, cached, err := c.Get(t.Context(), "kind", "key", func(string) error { return nil })
	if err != nil || cached {
		t.Fatalf("got %v, %v", cached, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "file")); !os.IsNotExist(err) {
		t.Error("the dead build's file is in the entry")
	}
}

func TestWaitingForALockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := lock(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeyTellsListsApart(t *testing.T) {
	if Key("ab", "c") == Key("a", "bc") || Key("a") == Key("a", "") {
		t.Error("two lists have one key")
	}
}
