//go:build vm && long

package test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/executable"
)

// An ordinary user, who is known only where the test's own process runs.
const (
	userID       = 64321
	userName     = "amigo-builder"
	subordinate  = 1000000
	subordinates = userName + ":1000000:65536\n"
)

// asUser runs the command line "$@" as that user: the accounts of the host are
// others where it runs, and stay what they are.
const asUser = `
for file in passwd group subuid subgid; do mount --bind "$DIR/$file" /etc/$file; done
exec setpriv --reuid "$ID" --regid "$ID" --clear-groups --inh-caps=-all "$@"
`

const userTemplate = `
source "amigo-qemu" "t" {
  bootstrap {}
  disk_size        = "2G"
  memory           = 1024
  output_directory = "%[1]s/out"
}
build {
  sources = ["source.amigo-qemu.t"]
  provisioner "shell" {
    # Every file has the owner that its package wants, and sudo still works.
    inline = [
      "find / -xdev '(' -nouser -o -nogroup ')' -print | tee /dev/stderr | wc -l | grep -qx 0",
      "test \"$(stat -c '%%u:%%g %%a' /usr/bin/sudo)\" = '0:0 4755'",
      "test \"$(stat -c %%U:%%G /etc/shadow)\" = root:shadow",
    ]
  }
}
`

// TestOrdinaryUser makes a base, boots and seals it as somebody who is not
// root, has subordinate user ids, and a home and a TMPDIR that nobody else can
// enter, as users of Debian have.
func TestOrdinaryUser(t *testing.T) {
	dir, err := os.MkdirTemp("", "user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	line := fmt.Sprintf("%s:x:%d:", userName, userID)
	write(t, dir, "passwd", contentOf(t, "/etc/passwd")+fmt.Sprintf("%s%d::%s/home:/bin/sh\n", line, userID, dir))
	write(t, dir, "group", contentOf(t, "/etc/group")+line+"\n")
	write(t, dir, "subuid", subordinates)
	write(t, dir, "subgid", subordinates)
	write(t, dir, "home/t.pkr.hcl", fmt.Sprintf(userTemplate, dir+"/home"))
	// What a killed run left: a directory that is closed to the user.
	write(t, dir, "home/tmp/amigo-image-dead/.scratch", "")
	write(t, dir, "home/tmp/amigo-image-dead/root/file", "")
	binary := filepath.Join(dir, "amigo-image")
	if err := executable.Write(binary, []byte(contentOf(t, program))); err != nil {
		t.Fatal(err)
	}
	giveAway(t, filepath.Join(dir, "home"))
	if err := os.Chmod(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(filepath.Join(dir, "home/tmp/amigo-image-dead/root"), subordinate, subordinate); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = command.Run(t.Context(), command.Cmd{
		Name: "unshare", Args: []string{"--mount", "sh", "-eu", "-c", asUser, "sh", binary, "build", dir + "/home/t.pkr.hcl"},
		Dir: filepath.Join(dir, "home"), Stdout: &out, Stderr: &out,
		Env: []string{
			"DIR=" + dir, fmt.Sprint("ID=", userID), "HOME=" + dir + "/home", "TMPDIR=" + dir + "/home/tmp",
			"XDG_CACHE_HOME=" + dir + "/home/.cache",
		},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if _, err := os.Stat(filepath.Join(dir, "home/tmp/amigo-image-dead")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed run left is still there: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "home/out/t.qcow2"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != userID {
		t.Errorf("the disk is not there or not the user's: %v, %v", info, err)
	}
}

// giveAway makes everything below dir the user's.
func giveAway(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, userID, userID)
	})
	if err != nil {
		t.Fatal(err)
	}
}
