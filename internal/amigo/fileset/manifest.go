package fileset

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Entry is what a [Manifest] knows of a file.
type Entry struct {
	Sum  string // SHA-256 of the content or of a symbolic link's target, in hexadecimal
	Mode string // kind and permissions in octal, like "100644", and the owner unless root: "040755:www-data"
}

// Manifest is what files are, by path.
type Manifest map[string]Entry

// Manifest returns what the files are.
func (s Set) Manifest() (Manifest, error) {
	m := Manifest{}
	for path, f := range s {
		sum, err := f.sum()
		if err != nil {
			return nil, err
		}
		m[path] = Entry{Sum: sum, Mode: mode(f)}
	}
	return m, nil
}

func mode(f File) string {
	kind := map[fs.FileMode]int{0: 0o100000, fs.ModeDir: 0o040000, fs.ModeSymlink: 0o120000}[f.Mode.Type()]
	text := fmt.Sprintf("%06o", kind|int(f.Mode.Perm()))
	if f.Owner != "" {
		text += ":" + f.Owner
	}
	return text
}

// String returns the manifest as lines of digest, mode and path, sorted by
// path.
func (m Manifest) String() string {
	var out strings.Builder
	for _, path := range m.paths() {
		fmt.Fprintf(&out, "%s  %s  %s\n", m[path].Sum, m[path].Mode, path)
	}
	return out.String()
}

func (m Manifest) paths() []string {
	paths := make([]string, 0, len(m))
	for path := range m {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// ParseManifest reads what [Manifest.String] writes.
func ParseManifest(r io.Reader) (Manifest, error) {
	m := Manifest{}
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		fields := strings.SplitN(scanner.Text(), "  ", 3)
		if len(fields) != 3 || len(fields[0]) != 64 || !strings.HasPrefix(fields[2], "/") {
			return nil, fmt.Errorf("reading the list of deployed files: line %d is not a digest, a mode and a path", len(m)+1)
		}
		m[fields[2]] = Entry{Sum: fields[0], Mode: fields[1]}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading the list of deployed files: %w", err)
	}
	return m, nil
}

// Diff returns what must be done to get from old to m: the paths that are new
// or different, and those that are gone, the deepest first.
func (m Manifest) Diff(old Manifest) (changed, gone []string) {
	for _, path := range m.paths() {
		if m[path] != old[path] {
			changed = append(changed, path)
		}
	}
	for _, path := range old.paths() {
		if _, ok := m[path]; !ok {
			gone = append(gone, path)
		}
	}
	slices.Reverse(gone)
	return changed, gone
}
