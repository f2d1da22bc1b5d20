// Package qemuimgtest makes disk images that nobody may open, for the tests of
// whatever takes images from outside.
package qemuimgtest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// Secret is what a file of the host holds that the images name.
const Secret = "what only the host may know"

// Hostile makes images that name a file of the host with [Secret], or are none,
// in a directory of their own each. They are in no particular order; the keys say
// what is wrong with each.
func Hostile(t testing.TB) map[string]string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte(Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(secret, 1<<20); err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	place := func(name string) string {
		images[name] = filepath.Join(t.TempDir(), "image.qcow2")
		return images[name]
	}
	create := func(name string, options ...string) {
		args := append([]string{"create", "-q", "-f", "qcow2"}, options...)
		run(t, append(args, place(name), "1M")...)
	}
	create("a backing file", "-F", "raw", "-b", secret)
	create("a backing file, old", "-o", "compat=0.10", "-F", "raw", "-b", secret)
	create("a backing file by json:", "-F", "raw", "-b", `json:{"driver":"raw","file":{"driver":"file","filename":"`+secret+`"}}`)
	create("a backing file by a protocol", "-u", "-F", "raw", "-b", "nbd://127.0.0.1:1/x")
	create("a data file", "-o", "data_file="+filepath.Join(t.TempDir(), "data"))
	create("a raw data file", "-o", "data_file="+filepath.Join(t.TempDir(), "data")+",data_file_raw=on")
	create("encryption", "--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s")
	create("a snapshot")
	run(t, "snapshot", "-q", "-c", "one", images["a snapshot"])

	write(t, place("a vmdk that names a file"), "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"+
		"createType=\"monolithicFlat\"\n\n# Extent description\nRW 2048 FLAT \""+secret+"\" 0\n")
	run(t, "create", "-q", "-f", "vmdk", place("a vmdk"), "1M")
	write(t, place("no image"), "hello")
	write(t, place("nothing"), "")
	write(t, place("a header alone"), "QFI\xfb")
	if err := syscall.Mkfifo(place("a named pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", place("a device")); err != nil {
		t.Fatal(err)
	}
	return images
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, args ...string) {
	t.Helper()
	if err := command.Run(t.Context(), command.Cmd{Name: "qemu-img", Args: args}); err != nil {
		t.Fatal(err)
	}
}
