package fetch

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/command"
)

// Unpack unpacks a .zip, .war or (compressed) .tar file into dir, which it
// makes. Nothing gets out of dir.
func Unpack(ctx context.Context, file, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("unpacking %s: %w", file, err)
	}
	lower := strings.ToLower(file)
	if strings.HasSuffix(lower, ".zip") || strings.HasSuffix(lower, ".war") {
		if err := unzip(ctx, file, dir); err != nil {
			return fmt.Errorf("unpacking %s: %w", file, err)
		}
		return nil
	}
	// GNU tar keeps members and links inside by itself.
	args := []string{"--extract", "--file", file, "--directory", dir, "--no-same-owner", "--no-same-permissions"}
	if err := command.Run(ctx, command.Cmd{Name: "tar", Args: args}); err != nil {
		return fmt.Errorf("unpacking %s: %w", file, err)
	}
	return nil
}

func unzip(ctx context.Context, file, dir string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, member := range archive.File {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := extract(root, member); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
	}
	return nil
}

func extract(root *os.Root, member *zip.File) error {
	name := filepath.FromSlash(strings.TrimSuffix(member.Name, "/"))
	if member.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := member.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if member.Mode()&os.ModeSymlink != 0 {
		target, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644|member.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil { //nolint:gosec // who builds chose the archive; a full disk is told of
		_ = out.Close()
		return err
	}
	return out.Close()
}
