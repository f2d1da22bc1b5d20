package roottree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

// makeDisk makes a qcow2 disk with a small root file system, in which there is a shell.
const makeDisk = `cd "$1"
mkdir -p tree/bin tree/dev tree/proc tree/run tree/tmp tree/etc
for file in /bin/sh /bin/ln /bin/chown /bin/cat; do
    cp --parents -L "$file" $(ldd "$file" | grep -o '/[^ ]*') tree/
done
echo old >tree/etc/name
ln tree/etc/name tree/etc/same
truncate -s 64M disk.raw
printf 'label: gpt\nstart=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\nstart=4096, size=122880, type=%s\n' "$2" |
    sfdisk --quiet --no-reread --no-tell-kernel disk.raw
dd if=/dev/zero bs=512 count=1 status=none | tr '\0' 'B' | dd of=disk.raw bs=512 seek=2048 conv=notrunc status=none
mke2fs -q -F -t ext4 -L root -m 2 -E offset=2097152,root_owner=0:0 -d tree disk.raw 61440k
qemu-img convert -O qcow2 disk.raw disk.qcow2
rm -r tree disk.raw
`

func newDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := command.Cmd{Name: "sh", Args: []string{"-eu", "-c", makeDisk, "sh", dir, arch.Own().RootType}}
	if err := command.Run(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "disk.qcow2")
}

func open(t *testing.T, disk string) *Tree {
	t.Helper()
	tree, err := Open(t.Context(), disk, arch.Own(), filepath.Join(t.TempDir(), "tree"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

// TestThereAndBack: what a script changes is on the new disk, all else is as it was, and the
// old disk stays.
func TestThereAndBack(t *testing.T) {
	disk := newDisk(t)
	tree := open(t, disk)
	before := tree.fs
	if err := tree.Upload(t.Context(), strings.NewReader("new name"), 8, "/run/name", "0600"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := tree.Run(t.Context(), "cat /run/name >/etc/name; chown 7:8 /etc/name; echo done", &out); err != nil || out.String() != "done\n" {
		t.Fatalf("%q, %v", &out, err)
	}
	if err := tree.WriteBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.qcow2")
	err := qemuimg.Convert(t.Context(), qemuimg.Conversion{Source: tree.Disk(), SourceFormat: "raw", Target: changed}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, changed)
	if diff := cmp.Diff(before, again.fs); diff != "" {
		t.Errorf("the file system is another (-was +is):\n%s", diff)
	}
	content, err := os.ReadFile(filepath.Join(again.dir, "root/etc/same"))
	if err != nil || string(content) != "new name" {
		t.Errorf("%q, %v", content, err)
	}
	whole, err := os.ReadFile(again.Disk())
	if err != nil || whole[2048*sectorSize] != 'B' {
		t.Errorf("another partition has changed: %v", err)
	}
	if content, err = os.ReadFile(filepath.Join(open(t, disk).dir, "root/etc/name")); err != nil || string(content) != "old\n" {
		t.Errorf("the old disk: %q, %v", content, err)
	}
}

// TestFailures: a script that fails says why, and what is not below /run is not uploaded.
func TestFailures(t *testing.T) {
	tree := open(t, newDisk(t))
	if err := tree.Run(t.Context(), "echo why >&2; exit 3", new(strings.Builder)); err == nil || !strings.Contains(err.Error(), "why") {
		t.Error(err)
	}
	for _, path := range []string{"/etc/passwd", "/run/../x", "/run/a/b", "/run"} {
		if err := tree.Upload(t.Context(), strings.NewReader(""), 0, path, "0644"); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if err := tree.Upload(t.Context(), strings.NewReader("short"), 9, "/run/x", "0644"); err == nil {
		t.Error("half a file was taken for one")
	}
}

func TestUnsuitable(t *testing.T) {
	dir := t.TempDir()
	blank := filepath.Join(dir, "blank.qcow2")
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: []string{"create", "-q", "-f", "qcow2", blank, "1M"}}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), blank, arch.Own(), filepath.Join(dir, "tree"))
	if !errors.As(err, new(*UnsuitableError)) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tree")); err == nil {
		t.Error("something was left")
	}
}

func TestParseTable(t *testing.T) {
	table := func(label string, types ...string) string {
		var parts []string
		for _, kind := range types {
			parts = append(parts, `{"start": 4096, "size": 100, "type": "`+kind+`"}`)
		}
		return `{"partitiontable": {"label": "` + label + `", "sectorsize": 512, "partitions": [` + strings.Join(parts, ",") + `]}}`
	}
	root := arch.AMD64.RootType
	for name, c := range map[string]struct {
		told string
		ok   bool
	}{
		"ours":           {table("gpt", "21686148-6449-6E6F-744E-656564454649", root), true},
		"of a cloud":     {table("gpt", linuxData), true},
		"root and data":  {table("gpt", linuxData, root, linuxData), true},
		"two data":       {table("gpt", linuxData, linuxData), false},
		"of another":     {table("gpt", arch.ARM64.RootType), false},
		"MBR":            {table("dos", root), false},
		"not from there": {"[]", false},
	} {
		p, err := parseTable([]byte(c.told), arch.AMD64)
		if c.ok != (err == nil) || c.ok && (p.offset() != 4096*512 || p.length() != 100*512) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

const told = `Filesystem volume name:   <none>
Filesystem UUID:          fd37f98a-4e25-86e7-ae18-fa6bf8dc9fdf
Filesystem features:      has_journal ext_attr orphan_present
Inode count:              520192
Block count:              2080000
Reserved block count:     104000
Block size:               4096
Inode size:	          256
Directory Hash Seed:      0d37f98a-4e25-86e7-ae18-fa6bf8dc9fdf
Total journal size:       64M
`

func TestParseFileSystem(t *testing.T) {
	fs, err := parseFileSystem(told)
	want := fileSystem{
		"FS_LABEL": "", "FS_UUID": "fd37f98a-4e25-86e7-ae18-fa6bf8dc9fdf", "FS_FEATURES": "none,has_journal,ext_attr", "FS_INODES": "520192",
		"FS_BLOCKS": "2080000", "FS_RESERVED": "104000", "FS_BLOCK_SIZE": "4096", "FS_INODE_SIZE": "256",
		"FS_HASH_SEED": "0d37f98a-4e25-86e7-ae18-fa6bf8dc9fdf", "FS_JOURNAL": "64",
	}
	if diff := cmp.Diff(want, fs); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	for _, bad := range []string{"", strings.Replace(told, "ext_attr", "needs_recovery", 1), strings.Replace(told, "Inode count", "Inodes", 1)} {
		if _, err := parseFileSystem(bad); !errors.As(err, new(*UnsuitableError)) {
			t.Errorf("%v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(told, `{"partitiontable": {"label": "gpt", "partitions": [{"start": 1}]}}`)
	f.Fuzz(func(t *testing.T, fs, table string) {
		if parsed, err := parseFileSystem(fs); err == nil && len(parsed) != len(attributes) {
			t.Errorf("%v", parsed)
		}
		_, _ = parseTable([]byte(table), arch.AMD64)
	})
}
