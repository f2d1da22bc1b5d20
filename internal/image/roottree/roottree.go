// Package roottree has the root file system of a disk that is off as files of this host:
// they are changed natively, in their own root file system, and written back.
package roottree

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox"
	"github.com/geneontology/packer-plugin-amigo/internal/host/userns"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

var (
	//go:embed extract.sh
	extractScript string
	//go:embed writeback.sh
	writeBackScript string
)

// Recipe is how a disk is written back, for the digest of what is made so.
func Recipe() string { return extractScript + writeBackScript }

// Tree is a root file system as files. It must be ended with [Tree.Close].
type Tree struct {
	dir  string // holds all that follows
	root partition
	fs   fileSystem
}

// UnsuitableError says that a disk's root file system can't be had as files on this host.
type UnsuitableError struct {
	Why string
	Err error // or nil
}

func (e *UnsuitableError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Why, e.Err)
	}
	return e.Why
}

func (e *UnsuitableError) Unwrap() error { return e.Err }

// Open reads the root file system of the qcow2 file disk into dir, which it makes. The disk
// stays as it is. A disk without an ext4 root file system on a GPT, and a host that can't
// mount one, give an [*UnsuitableError].
func Open(ctx context.Context, disk string, a arch.Arch, dir string) (*Tree, error) {
	if _, err := command.Look("bwrap"); err != nil {
		return nil, &UnsuitableError{Why: "this host can't enter a root file system", Err: err}
	}
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(filepath.Join(dir, "root"), 0o755), os.Mkdir(filepath.Join(dir, "run"), 0o755)); err != nil {
		return nil, fmt.Errorf("reading a disk: %w", err)
	}
	t := &Tree{dir: dir}
	if err := t.read(ctx, disk, a); err != nil {
		return nil, errors.Join(err, t.Close()) //nolint:contextcheck // it goes, even after Ctrl-C
	}
	return t, nil
}

func (t *Tree) read(ctx context.Context, disk string, a arch.Arch) error {
	err := qemuimg.Convert(ctx, qemuimg.Conversion{Source: disk, SourceFormat: "qcow2", Target: t.Disk(), TargetFormat: "raw"}, func(int64) {})
	if err != nil {
		return err
	}
	if t.root, err = findRoot(ctx, t.Disk(), a); err != nil {
		return err
	}
	if t.fs, err = readFileSystem(ctx, t.Disk(), t.root); err != nil {
		return err
	}
	if err := t.runScript(ctx, extractScript); err != nil {
		return &UnsuitableError{Why: "this host can't mount the disk", Err: err}
	}
	return nil
}

// Disk is the raw disk, which has what is in the tree after [Tree.WriteBack].
func (t *Tree) Disk() string { return filepath.Join(t.dir, "disk.raw") }

// WriteBack replaces the disk's root file system by one of the files, with the identity and the
// features of the old one.
func (t *Tree) WriteBack(ctx context.Context) error {
	if err := t.runScript(ctx, writeBackScript); err != nil {
		return fmt.Errorf("writing the root file system: %w", err)
	}
	return nil
}

// runScript runs one of this package's scripts as root of the files. What it starts and mounts
// ends with it.
func (t *Tree) runScript(ctx context.Context, script string) error {
	cmd := userns.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", script)
	cmd.Env = append([]string{
		"WORK=" + t.dir, "DISK=" + t.Disk(), "LC_ALL=C",
		"OFFSET=" + strconv.FormatInt(t.root.offset(), 10), "SIZE=" + strconv.FormatInt(t.root.length(), 10),
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}, t.fs.env()...)
	return command.Run(ctx, cmd)
}

// Run runs script with "sh -eu" in the root file system, as root and without a network, and
// copies its output, standard error included, to out. The error of a script that fails
// carries its last lines.
func (t *Tree) Run(ctx context.Context, script string, out io.Writer) error {
	cmd := userns.Command("bwrap", t.args()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), out, out
	if err := command.Run(ctx, cmd); err != nil {
		return fmt.Errorf("a script failed in the root file system: %w", err)
	}
	return nil
}

// args are bubblewrap's arguments. Files of /run live as long as the tree.
func (t *Tree) args() []string {
	return append(sandbox.Apart(),
		"--unshare-net", "--cap-add", "ALL",
		"--bind", filepath.Join(t.dir, "root"), "/",
		"--dev", "/dev", "--proc", "/proc", "--bind", filepath.Join(t.dir, "run"), "/run",
		"--dir", "/run/lock", "--dir", "/run/sshd",
		"--chdir", "/", "sh", "-eu", "-s",
	)
}

// Upload copies size bytes from r to path, which is below /run. mode is octal, like "0644".
func (t *Tree) Upload(_ context.Context, r io.Reader, size int64, path, mode string) error {
	name, ok := strings.CutPrefix(path, "/run/")
	permissions, err := strconv.ParseUint(mode, 8, 32)
	if err != nil || !ok || strings.Contains(name, "/") {
		return fmt.Errorf("copying to %s (%s) of a root file system: not possible", path, mode)
	}
	f, err := os.OpenFile(filepath.Join(t.dir, "run", name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, os.FileMode(permissions))
	if err != nil {
		return fmt.Errorf("copying to a root file system: %w", err)
	}
	_, err = io.CopyN(f, r, size)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("copying to a root file system: %w", err)
	}
	return nil
}

// Close removes the files and the disk.
func (t *Tree) Close() error { return userns.RemoveAll(t.dir) }
