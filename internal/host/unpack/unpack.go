// Package unpack unpacks archives that others have made. Whatever is in one, all
// that comes out of it stays inside one directory.
package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Limits of what an archive may unpack to. GO's largest release index is some
// 8 GB in a dozen files, and AmiGO's source has 2,000 files.
const (
	maxBytes   = 64 << 30
	maxMembers = 1 << 20
	maxName    = 4096 // bytes; Linux's longest path
	maxTarget  = 4096
)

// LimitError tells that an archive would unpack to more than it may.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return "the archive has more than " + e.What }

// Fault implements [fault.Reporter].
func (e *LimitError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Verify} }

// MemberError tells that an archive holds something that no source or index
// has any use for.
type MemberError struct{ Name, Why string }

func (e *MemberError) Error() string { return fmt.Sprintf("%q in the archive %s", e.Name, e.Why) }

// Fault implements [fault.Reporter].
func (e *MemberError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Verify} }

// member is a file, directory or link of an archive, whatever its format.
type member struct {
	name    string
	mode    fs.FileMode // its type, and whether it may be executed
	target  string      // of a symbolic or hard link
	hard    bool        // it is a hard link
	size    int64       // as the archive says; what comes counts
	content func() (io.ReadCloser, error)
}

// File unpacks a .zip, .war or .tar file, which may be compressed, into dir,
// which it makes. Only files, directories and links come out of it, and all of
// them stay inside dir; anything else is a [*MemberError], too much of it a
// [*LimitError]. Modes are 0644 or 0755.
func File(ctx context.Context, file, dir string) error {
	err := into(ctx, dir, func(add func(member) error) error {
		lower := strings.ToLower(file)
		if strings.HasSuffix(lower, ".zip") || strings.HasSuffix(lower, ".war") {
			return eachOfZip(file, add)
		}
		return eachOfTar(file, add)
	})
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", file, err)
	}
	return nil
}

// Tar is [File] for a tar file that is read from r. It may leave something of r
// unread, behind the end of the archive.
func Tar(ctx context.Context, r io.Reader, dir string) error {
	err := into(ctx, dir, func(add func(member) error) error { return eachIn(r, add) })
	if err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	return nil
}

// into makes dir and calls each with what adds a member to it.
func into(ctx context.Context, dir string, each func(add func(member) error) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	u := &unpacker{ctx: ctx, root: root, left: maxBytes}
	return each(u.add)
}

// unpacker writes members below a directory.
type unpacker struct {
	ctx     context.Context //nolint:containedctx // it lives as long as one call
	root    *os.Root
	left    int64 // bytes that may still come
	members int
	parent  string // the last directory that was made
	buffer  []byte // of one copy
}

// copied returns the memory that files are copied through.
func (u *unpacker) copied() []byte {
	if u.buffer == nil {
		u.buffer = make([]byte, 4*hole)
	}
	return u.buffer
}

func (u *unpacker) add(m member) error {
	if u.ctx.Err() != nil {
		return context.Cause(u.ctx)
	}
	if u.members++; u.members > maxMembers {
		return &LimitError{What: fmt.Sprintf("%d files", maxMembers)}
	}
	if m.size > u.left {
		return tooLarge()
	}
	name, err := cleanName(m.name)
	if err != nil || name == "." {
		return err
	}
	if m.mode.IsDir() {
		return u.makeParents(m, name)
	}
	if err := u.makeParents(m, path.Dir(name)); err != nil {
		return err
	}
	switch {
	case m.hard:
		return u.hardLink(m, name)
	case m.mode&fs.ModeSymlink != 0:
		return u.symbolicLink(m, name)
	case m.mode.IsRegular():
		return u.regular(m, name)
	}
	return &MemberError{Name: m.name, Why: "is neither a file, a directory nor a link"}
}

// makeParents makes the directories that a member lies in. None of them may be
// a link: what a link inside a linked directory leads to can't be told from its
// name.
func (u *unpacker) makeParents(m member, dir string) error {
	if dir == u.parent {
		return nil
	}
	if err := u.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for at := dir; at != "."; at = path.Dir(at) {
		info, err := u.root.Lstat(at)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return &MemberError{Name: m.name, Why: "lies behind a link"}
		}
	}
	u.parent = dir
	return nil
}

// cleanName returns the path of a member below the directory.
func cleanName(name string) (string, error) {
	clean := path.Clean(name)
	switch {
	case len(name) > maxName:
		return "", &MemberError{Name: name[:64] + "...", Why: "has a name that is too long"}
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "", &MemberError{Name: name, Why: "has a control character in its name, or is not UTF-8"}
	case path.IsAbs(name), clean == "..", strings.HasPrefix(clean, "../"):
		return "", &MemberError{Name: name, Why: "leads out of it"}
	}
	return clean, nil
}

func (u *unpacker) symbolicLink(m member, name string) error {
	if len(m.target) > maxTarget || !StaysInside(name, m.target) {
		return &MemberError{Name: m.name, Why: "is a link that leads out of it"}
	}
	return u.root.Symlink(m.target, name)
}

// StaysInside tells whether a symbolic link leads to something below the
// directory that its name is relative to.
func StaysInside(name, target string) bool {
	to := path.Join(path.Dir(name), target)
	return target != "" && !path.IsAbs(target) && to != ".." && !strings.HasPrefix(to, "../")
}

func (u *unpacker) hardLink(m member, name string) error {
	target, err := cleanName(m.target)
	if err != nil {
		return &MemberError{Name: m.name, Why: "is a link that leads out of it"}
	}
	info, err := u.root.Lstat(target)
	if err != nil || !info.Mode().IsRegular() {
		return &MemberError{Name: m.name, Why: "is a link to no file in it"}
	}
	return u.root.Link(target, name)
}

// regular writes a file. A name that comes twice is a fault: which of the two
// is meant depends on who unpacks.
func (u *unpacker) regular(m member, name string) error {
	out, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644|m.mode.Perm()&0o111)
	if errors.Is(err, fs.ErrExist) {
		return &MemberError{Name: m.name, Why: "is there twice"}
	}
	if err != nil {
		return err
	}
	in, err := m.content()
	if err != nil {
		_ = out.Close()
		return err
	}
	defer func() { _ = in.Close() }()
	holed := &sparse{file: out}
	n, err := io.CopyBuffer(holed, io.LimitReader(cancelable{u.ctx, in}, u.left+1), u.copied())
	if u.left -= n; u.left < 0 {
		err = tooLarge()
	}
	return errors.Join(err, holed.end(), out.Close())
}

func tooLarge() error { return &LimitError{What: fmt.Sprintf("%d GiB in it", maxBytes>>30)} }

// cancelable ends reading with its context.
type cancelable struct {
	ctx context.Context //nolint:containedctx // it lives as long as one copy
	io.Reader
}

func (c cancelable) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(p)
}

// CheckName returns why a member of this name would not be unpacked, or nil.
func CheckName(name string) error {
	_, err := cleanName(name)
	return err
}
