package tuf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

const retiredDir = "retired"

// Ring is a directory of keys, and of the metadata that is signed by hand:
//
//	root.key  root.2.key ...  targets.key  <channel>.key  online.key
//	minisign.key  minisign.pub
//	metadata/1.root.json  1.targets.json ...
//	retired/                  keys that were replaced
//	pending/                  new keys and metadata that others have to sign yet
//
// A publisher needs only the keys of the roles that it signs, and the first
// root. Its methods read the directory each time; they may be called
// concurrently.
type Ring struct {
	// OnSign is told of each signature that a key of the ring makes, and of
	// which file that is; it may be nil.
	OnSign func(file string)

	dir     string
	pending string // a directory below
}

func ringAt(dir string) *Ring { return &Ring{dir: dir, pending: filepath.Join(dir, "pending")} }

// DefaultDir returns where a person's keys are,
// $XDG_CONFIG_HOME/amigo-image/keys.
func DefaultDir() (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding the directory of the keys (set XDG_CONFIG_HOME): %w", err)
	}
	return filepath.Join(base, "amigo-image", "keys"), nil
}

// OpenRing opens a directory of keys. Keys that are not there are missed when
// they are needed; see [MissingKeyError].
func OpenRing(dir string) (*Ring, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory of keys: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening the directory of keys: %s is a file", dir)
	}
	return ringAt(dir), nil
}

// Dir returns where the ring is.
func (r *Ring) Dir() string { return r.dir }

// Has tells whether the ring holds a key of that name: "root", "targets",
// "online" or a channel.
func (r *Ring) Has(name string) bool {
	files, err := r.files(r.dir, name)
	return err == nil && len(files) > 0
}

// signed tells that a key has signed a file.
func (r *Ring) signed(file string) {
	if r.OnSign != nil {
		r.OnSign(file)
	}
}

// Exposed returns the files of private keys that other users of this host can
// read.
func (r *Ring) Exposed() []string {
	var exposed []string
	for _, dir := range []string{r.dir, r.pending, filepath.Join(r.dir, retiredDir)} {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			info, err := entry.Info()
			if err == nil && filepath.Ext(entry.Name()) == ".key" && info.Mode()&0o077 != 0 {
				exposed = append(exposed, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return exposed
}

// keys returns the keys of a name, the retired ones last.
func (r *Ring) keys(name string) ([]key, error) {
	var all []string
	for _, dir := range []string{r.dir, r.pending, filepath.Join(r.dir, retiredDir)} {
		files, err := r.files(dir, name)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return loadKeys(all)
}

func loadKeys(files []string) ([]key, error) {
	keys := make([]key, 0, len(files))
	for _, file := range files {
		k, err := loadKey(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// files returns the files of keys of a name: name.key, name.2.key and so on.
// No name has dots.
func (*Ring) files(dir, name string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for keys: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if keyName(entry.Name()) == name && filepath.Ext(entry.Name()) == ".key" {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return files, nil
}

// keyName returns what a key file's name begins with.
func keyName(file string) string {
	name, _, _ := strings.Cut(file, ".")
	return name
}

// path returns where the first key of a name belongs.
func (r *Ring) path(name string) string { return filepath.Join(r.dir, name+".key") }

// unusedName returns a name for the next key of a name that no key has.
func (r *Ring) unusedName(name string) string {
	dirs := []string{r.dir, r.pending, filepath.Join(r.dir, retiredDir)}
	for n := 1; ; n++ {
		file := numbered(name, n)
		if !slices.ContainsFunc(dirs, func(dir string) bool {
			_, err := os.Lstat(filepath.Join(dir, file))
			return err == nil
		}) {
			return file
		}
	}
}

// FreeRootKey returns where another root key of this ring belongs.
func (r *Ring) FreeRootKey() string { return filepath.Join(r.dir, r.unusedName(metadata.ROOT)) }

func numbered(name string, n int) string {
	if n == 1 {
		return name + ".key"
	}
	return fmt.Sprintf("%s.%d.key", name, n)
}
