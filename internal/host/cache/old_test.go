package cache

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	key   = strings.Repeat("a", 64)
	limit = time.Now().AddDate(0, 0, -30)
	long  = limit.AddDate(0, 0, -10) // ago
)

// put makes a directory with a file in it, last used at that time.
func put(t *testing.T, at time.Time, elements ...string) string {
	t.Helper()
	dir := filepath.Join(elements...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write("content")(dir); err != nil {
		t.Fatal(err)
	}
	return aged(t, at, dir)
}

func aged(t *testing.T, at time.Time, path string) string {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

// file makes a file that was last used at that time.
func file(t *testing.T, at time.Time, elements ...string) string {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	return aged(t, at, path)
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// old returns what the cache says can go.
func old(t *testing.T, c Dir) []Old {
	t.Helper()
	found, err := c.Old(limit)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func removeAll(t *testing.T, found []Old) (removed int) {
	t.Helper()
	for _, o := range found {
		gone, err := o.Remove()
		if err != nil {
			t.Fatal(err)
		}
		if gone {
			removed++
		}
	}
	return removed
}

// only returns the one thing that can go.
func only(t *testing.T, c Dir) Old {
	t.Helper()
	found := old(t, c)
	if len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	return found[0]
}

func TestWhatGoes(t *testing.T) {
	c, other := At(t.TempDir()), strings.Repeat("b", 64)
	goes := []string{
		put(t, long, c.root, "base", key),
		put(t, time.Now().Add(-time.Second), c.root, "rootfs", other+partialSuffix),
		file(t, long, c.root, "builds", key+".json"),
		file(t, long, c.root, "builds", "."+other+".json123"),
	}
	elsewhere := put(t, long, t.TempDir(), key)
	stays := []string{
		put(t, time.Now(), c.root, "base", other),
		file(t, time.Now(), c.root, "builds", other+".json"),
		file(t, long, c.root, "logs", "20260101T000000-build-1.log"),
		put(t, long, c.root, "base", "mine"),
		file(t, long, c.root, "base", strings.Repeat("c", 64)),
		elsewhere,
	}
	for _, name := range []string{"linked", filepath.Join("base", strings.Repeat("d", 64))} {
		if err := os.Symlink(filepath.Dir(elsewhere), filepath.Join(c.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	found := old(t, c)
	var paths []string
	for _, o := range found {
		paths = append(paths, o.Path)
	}
	slices.Sort(goes)
	slices.Sort(paths)
	if !slices.Equal(paths, goes) {
		t.Errorf("%q would go, not %q", paths, goes)
	}
	if removed := removeAll(t, found); removed != len(goes) {
		t.Errorf("%d removed", removed)
	}
	for _, path := range goes {
		if there(path) {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range stays {
		if !there(path) {
			t.Errorf("%s is gone", path)
		}
	}
	locks, err := filepath.Glob(filepath.Join(c.root, "*", "*.lock"))
	if err != nil || len(locks) > 0 {
		t.Errorf("left: %v, %v", locks, err)
	}
}

func TestNothingIsOldWhereNothingIs(t *testing.T) {
	if found := old(t, At(filepath.Join(t.TempDir(), "missing"))); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// A build may have had an entry for so long that it looks old.
func TestWhatIsInUseStays(t *testing.T) {
	c := At(t.TempDir())
	put(t, long, c.root, "base", key)
	seen := only(t, c)
	dir, cached, err := c.Get(t.Context(), "base", key, write("content"))
	if err != nil || !cached {
		t.Fatal(cached, err)
	}
	if gone, err := seen.Remove(); gone || err != nil {
		t.Errorf("what was used since is gone: %v, %v", gone, err)
	}
	aged(t, long, dir)
	if gone, err := seen.Remove(); gone || err != nil || !there(filepath.Join(dir, "file")) {
		t.Errorf("what is in use is gone: %v, %v", gone, err)
	}
	if found := old(t, c); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// Between looking and removing it was used, by a build that is over.
func TestWhatWasUsedMeanwhileStays(t *testing.T) {
	c := At(t.TempDir())
	dir := put(t, long, c.root, "base", key)
	seen := only(t, c)
	aged(t, time.Now(), dir)
	if gone, err := seen.Remove(); gone || err != nil || !there(filepath.Join(dir, "file")) {
		t.Errorf("%v, %v", gone, err)
	}
}

func TestWhatIsBeingMadeStays(t *testing.T) {
	c := At(t.TempDir())
	put(t, long, c.root, "base", key+partialSuffix)
	seen := only(t, c)
	dir, _, err := c.Get(t.Context(), "base", key, func(dir string) error {
		aged(t, long, dir)
		if found := old(t, c); len(found) > 0 {
			t.Errorf("found %+v", found)
		}
		if gone, err := seen.Remove(); gone || err != nil {
			t.Errorf("%v, %v", gone, err)
		}
		return write("content")(dir)
	})
	if err != nil || !there(filepath.Join(dir, "file")) {
		t.Error(err)
	}
}

// What a build makes is new, whatever time an archive has given to it.
func TestWhatWasMadeIsNew(t *testing.T) {
	c := At(t.TempDir())
	dir, _, err := c.Get(t.Context(), "sandbox", key, func(dir string) error {
		aged(t, long, dir)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.ModTime().Before(limit) {
		t.Errorf("%v, %v", info.ModTime(), err)
	}
}

func TestNoLockStays(t *testing.T) {
	c := At(t.TempDir())
	_, _, err := c.Get(t.Context(), "kind", key, func(string) error { return errors.New("broken") })
	if err == nil {
		t.Fatal("no error")
	}
	if there(filepath.Join(c.root, "kind", key+lockSuffix)) {
		t.Error("the lock is still there")
	}
}

// TestBuildsWhileItIsCleared: whoever gets an entry finds all of it, for as
// long as it is used, whatever is removed at the same time.
func TestBuildsWhileItIsCleared(t *testing.T) {
	c := At(t.TempDir())
	keys := make([]string, 200)
	for i := range keys {
		keys[i] = Key(strconv.Itoa(i))
		put(t, long, c.root, "kind", keys[i])
	}
	var users, cleaners errgroup.Group
	over := make(chan struct{})
	for range 2 {
		cleaners.Go(func() error { return clean(c, over) })
	}
	for range 4 {
		users.Go(func() error {
			for _, key := range keys {
				dir, _, err := c.Get(t.Context(), "kind", key, write("content"))
				if err != nil {
					return err
				}
				// As if it had been used for long.
				if err := os.Chtimes(dir, long, long); err != nil {
					return err
				}
				if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := users.Wait(); err != nil {
		t.Error(err)
	}
	close(over)
	if err := cleaners.Wait(); err != nil {
		t.Error(err)
	}
	removeAll(t, old(t, c))
	for _, key := range keys {
		if !there(filepath.Join(c.root, "kind", key, "file")) {
			t.Errorf("%s is gone, though it is in use", key)
		}
	}
}

// clean removes what is old until it is over.
func clean(c Dir, over <-chan struct{}) error {
	for {
		select {
		case <-over:
			return nil
		default:
		}
		found, err := c.Old(limit)
		if err != nil {
			return err
		}
		for _, o := range found {
			if _, err := o.Remove(); err != nil {
				return err
			}
		}
	}
}
