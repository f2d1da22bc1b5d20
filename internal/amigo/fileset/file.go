// Package fileset describes the files that a guest is to have: what is in
// them, their modes and owners, wherever they come from.
package fileset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// File is a regular file, a symbolic link or a directory of a guest.
type File struct {
	Path  string // absolute, on the guest
	Mode  fs.FileMode
	Owner string // user and group; "" is root
	Data  []byte // content of a regular file, unless Host is set
	Host  string // path of the content on the host
	Link  string // target of a symbolic link
}

// Text returns a regular file with mode 0644 that belongs to root.
func Text(path, content string) File {
	return File{Path: path, Mode: 0o644, Data: []byte(content)}
}

// Symlink returns a symbolic link to target.
func Symlink(path, target string) File {
	return File{Path: path, Mode: fs.ModeSymlink | 0o777, Link: target}
}

// Dir returns a directory.
func Dir(path string, mode fs.FileMode, owner string) File {
	return File{Path: path, Mode: fs.ModeDir | mode, Owner: owner}
}

// Open returns the content of a regular file and its size in bytes.
func (f File) Open() (io.ReadCloser, int64, error) {
	if f.Host == "" {
		return io.NopCloser(bytes.NewReader(f.Data)), int64(len(f.Data)), nil
	}
	file, err := regular.Open(f.Host)
	if err != nil {
		return nil, 0, fmt.Errorf("reading a file for the guest: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, 0, fmt.Errorf("reading a file for the guest: %w", err)
	}
	return file, info.Size(), nil
}

// Size returns how long the content is, in bytes.
func (f File) Size() int64 {
	if f.Host == "" {
		return int64(len(f.Data))
	}
	info, err := os.Stat(f.Host)
	if err != nil {
		return 0
	}
	return info.Size()
}

// sum returns the digest of the content, or of a symbolic link's target.
func (f File) sum() (string, error) {
	h := sha256.New()
	if !f.Mode.IsRegular() {
		_, _ = io.WriteString(h, f.Link)
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	r, _, err := f.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("reading a file for the guest: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Set is files by path.
type Set map[string]File

// Add adds files, in place of those with the same paths.
func (s Set) Add(files ...File) {
	for _, f := range files {
		s[f.Path] = f
	}
}

// Sorted returns the files in the order of their paths, so that directories
// come before what is in them.
func (s Set) Sorted() []File {
	files := make([]File, 0, len(s))
	for _, f := range s {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
