package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func silent(int64, int64) {}

// invented returns a reading of the file at path whose digest no file has: who
// returns it has not read.
func invented(t *testing.T, path string) Reading {
	t.Helper()
	found, err := Read(path, silent)
	if err != nil {
		t.Fatal(err)
	}
	found.SHA256 = strings.Repeat("ab", 32)
	return found
}

// TestReadingSparesAReading: a file is not read again while it is the same, be
// the directory that it is in renamed. Whatever is done to it, it is read.
func TestReadingSparesAReading(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(dir string) error
		kept bool
	}{
		"nothing":                {func(string) error { return nil }, true},
		"its directory is moved": {func(dir string) error { return os.Rename(dir, dir+".new") }, true},
		"written over": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "disk"), []byte("twp"), 0o600)
		}, false},
		"written over, with its time set back": {func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, "disk"), []byte("twp"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(filepath.Join(dir, "disk"), long, long)
		}, false},
		"another file in its place": {func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, "other"), []byte("twp"), 0o600); err != nil {
				return err
			}
			return os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "disk"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			path := filepath.Join(dir, "disk")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
			before := invented(t, path)
			time.Sleep(20 * time.Millisecond) // the clock of files is a coarse one
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join(dir+".new", "disk")
			}
			now, err := before.Of(path, silent)
			if err != nil || (now == before) != c.kept {
				t.Errorf("%+v, %v", now, err)
			}
			if !c.kept && now.SHA256 != Digest([]byte("twp")) {
				t.Errorf("the digest is %s", now.SHA256)
			}
		})
	}
}

// long is a time long ago.
var long = time.Unix(1_000_000_000, 0)

// TestReadingOfNothing: what knows nothing reads.
func TestReadingOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := (Reading{}).Of(path, silent); err != nil || found.SHA256 != Digest([]byte("two")) || found.Size != 3 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := invented(t, path).Of(path+"x", silent); err == nil {
		t.Error("there is a digest of no file")
	}
}
