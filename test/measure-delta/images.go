package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
)

const sector = 512

// prepare makes the two raw disks, unless they are there.
func (p pair) prepare(ctx context.Context, images []string) error {
	if size(p.old) > 0 && size(p.new) > 0 {
		return nil
	}
	if len(images) == 1 {
		return p.nightlies(ctx, images[0])
	}
	for i, path := range []string{p.old, p.new} {
		if err := tool(ctx, "qemu-img", "convert", "-O", "raw", images[i], path); err != nil {
			return err
		}
	}
	return nil
}

// nightlies makes both disks from an image as two builds would.
func (p pair) nightlies(ctx context.Context, image string) error {
	template, tree := p.path("template.raw"), p.path("tree")
	if err := tool(ctx, "qemu-img", "convert", "-O", "raw", image, template); err != nil {
		return err
	}
	defer func() { _ = os.Remove(template) }()
	start, length, err := root(ctx, template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }()
	if err := tool(ctx, "debugfs", "-R", "rdump / "+tree, fmt.Sprintf("%s?offset=%d", template, start)); err != nil {
		return err
	}
	if err := pack(ctx, template, tree, p.old, start, length); err != nil {
		return err
	}
	changed, err := change(tree, 60<<20)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "changed %d bytes of files\n", changed)
	return pack(ctx, template, tree, p.new, start, length)
}

// pack makes a disk with the partitions of template and the files of tree.
func pack(ctx context.Context, template, tree, disk string, start, length int64) error {
	if err := head(ctx, template, disk, start, start+length); err != nil {
		return err
	}
	id := "2d48e989-02a8-8ae3-bc43-d9677276a142"
	return tool(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-U", id, "-O", "^metadata_csum_seed,^orphan_file",
		"-E", fmt.Sprintf("offset=%d,root_owner=0:0,hash_seed=%s,lazy_itable_init=1,nodiscard", start, id),
		"-d", tree, disk, strconv.FormatInt(length>>10, 10)+"k")
}

// root returns where the last partition of a disk is, in bytes.
func root(ctx context.Context, path string) (start, length int64, err error) {
	out, err := command.Output(ctx, command.Cmd{Name: "sfdisk", Args: []string{"--json", path}})
	if err != nil {
		return 0, 0, err
	}
	var disk struct {
		Table struct {
			Partitions []struct{ Start, Size int64 } `json:"partitions"`
		} `json:"partitiontable"`
	}
	if err := json.Unmarshal(out, &disk); err != nil || len(disk.Table.Partitions) == 0 {
		return 0, 0, fmt.Errorf("%s has no partitions: %w", path, err)
	}
	last := disk.Table.Partitions[len(disk.Table.Partitions)-1]
	return last.Start * sector, last.Size * sector, nil
}

// head copies what is before the file system, and makes room for it.
func head(ctx context.Context, template, disk string, start, end int64) error {
	from, err := os.Open(template)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.Create(disk)
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }()
	if err := sparse.Copy(ctx, to, from, start, func(int64) {}); err != nil {
		return err
	}
	info, err := from.Stat()
	if err != nil {
		return err
	}
	return to.Truncate(max(end, info.Size()))
}

// change alters files of 1 to 16 MiB until that many bytes are changed. They
// compress as well as before, and nothing in them is as it was.
func change(tree string, wanted int64) (changed int64, err error) {
	err = filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() < 1<<20 || info.Size() > 16<<20 || changed+info.Size() > wanted {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := range content {
			content[i]++
		}
		changed += info.Size()
		return os.WriteFile(path, content, info.Mode())
	})
	return changed, err
}

func tool(ctx context.Context, name string, args ...string) error {
	return command.Run(ctx, command.Cmd{Name: name, Args: args})
}
