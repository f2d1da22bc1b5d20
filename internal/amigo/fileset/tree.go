package fileset

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Tree returns the files below the host's directory dir as a guest shall have
// them below root, except where skip says of a path relative to dir that it
// and what is below it are not wanted. Modes are 0755 or 0644, whatever the
// host's umask was.
func Tree(dir, root string, skip func(rel string) bool) (Set, error) {
	set := Set{}
	err := filepath.WalkDir(dir, func(host string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, host)
		if err != nil {
			return err
		}
		if rel != "." && skip != nil && skip(filepath.ToSlash(rel)) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		f, err := fromHost(host, path.Join(root, filepath.ToSlash(rel)), entry)
		if err == nil && f.Path != "" && rel != "." {
			set.Add(f)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	return set, nil
}

// fromHost returns no file for what a guest gets no copy of: sockets and
// devices.
func fromHost(host, guest string, entry fs.DirEntry) (File, error) {
	switch {
	case entry.IsDir():
		return Dir(guest, 0o755, ""), nil
	case entry.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(host)
		return Symlink(guest, target), err
	case !entry.Type().IsRegular():
		return File{}, nil
	}
	info, err := entry.Info()
	if err != nil {
		return File{}, err
	}
	f := File{Path: guest, Mode: 0o644, Host: host}
	if info.Mode()&0o100 != 0 {
		f.Mode = 0o755
	}
	return f, nil
}

// WriteTo writes the files below dir on the host, which stands for the root of
// the guest. Owners are the user that we run as.
func (s Set) WriteTo(dir string) error {
	for _, f := range s.Sorted() {
		if err := write(f, filepath.Join(dir, f.Path)); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	return nil
}

func write(f File, to string) error {
	if f.Mode.IsDir() {
		return os.MkdirAll(to, f.Mode.Perm())
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if f.Mode&fs.ModeSymlink != 0 {
		return os.Symlink(f.Link, to)
	}
	content, _, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode.Perm())
	if err != nil {
		return err
	}
	if _, err := out.ReadFrom(content); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
