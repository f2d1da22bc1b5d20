//go:build vm && long

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

const cloudTemplate = `
source "amigo-qemu" "t" {
  disk_image {
    url      = "%[1]s/cloud.qcow2"
    checksum = "sha256:%[2]s"
  }
  output_directory = "%[1]s/out"
}
build {
  sources = ["source.amigo-qemu.t"]
  provisioner "shell" {
    inline = [
      "cloud-init status --wait",
      "test -s /etc/ssh/ssh_host_ed25519_key",
      "! test -e /usr/lib/tmpfiles.d/provision.conf",
      "touch /provisioned",
    ]
  }
}
`

// TestCloudImage builds on an image like those that distributions make for
// clouds: nobody can log in, there are no host keys, and cloud-init sees to
// both. It takes no systemd credential.
func TestCloudImage(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "cloud.qcow2")
	edit(t, baseDisk(t), image, []string{
		"rm /etc/cloud/cloud-init.disabled",
		"rm /etc/systemd/system/ssh.service.d/host-key.conf",
		"rm /etc/ssh/sshd_config.d/50-amigo.conf",
		"rm /usr/lib/tmpfiles.d/provision.conf",
	})
	sum, err := fetch.Sum(image)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "t.pkr.hcl", fmt.Sprintf(cloudTemplate, dir, sum))
	var out bytes.Buffer
	err = command.Run(t.Context(), command.Cmd{
		Name: program, Args: []string{"build", filepath.Join(dir, "t.pkr.hcl")}, Stdout: &out, Stderr: &out,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	built := filepath.Join(dir, "out", "t.qcow2")
	seen := edit(t, built, "", []string{"stat /provisioned", "stat /root/.ssh/authorized_keys", "stat /etc/ssh/ssh_host_ed25519_key", "ls /home"})
	if strings.Contains(seen, "/provisioned: File not found") {
		t.Error("what was provisioned is not there")
	}
	for _, secret := range []string{"/root/.ssh/authorized_keys", "/etc/ssh/ssh_host_ed25519_key"} {
		if !strings.Contains(seen, secret+": File not found") {
			t.Errorf("%s is in the disk", secret)
		}
	}
	if strings.Contains(seen, "debian") {
		t.Error("cloud-init has made a user")
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(entries) != 2 {
		t.Errorf("beside the disk there is %v, %v", entries, err)
	}
}

// baseDisk returns the base of the example's image.
func baseDisk(t *testing.T) string {
	t.Helper()
	store, err := cache.Default()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := bootstrap.Resolve(t.Context(), store, exampleSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	phase := event.Start(event.Discard, "base", "")
	path, _, err := bootstrap.Disk(t.Context(), store, plan, rootFS(t, store), phase)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// edit has debugfs do things to the root file system of the disk from, and
// writes the disk to the path to, unless that is "". It returns what debugfs
// says.
func edit(t *testing.T, from, to string, commands []string) string {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "disk.raw")
	run(t, "", "qemu-img", "convert", "-O", "raw", from, raw)
	script := strings.Join(commands, "\n") + "\n"
	said := run(t, script, "debugfs", "-w", "-f", "-", fmt.Sprintf("%s?offset=%d", raw, rootOffset(t, raw)))
	if to == "" {
		return said
	}
	err := qemuimg.Convert(t.Context(), qemuimg.Conversion{Source: raw, SourceFormat: "raw", Target: to}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// rootOffset returns where the last partition begins, in bytes.
func rootOffset(t *testing.T, raw string) int64 {
	t.Helper()
	var table struct {
		PartitionTable struct{ Partitions []struct{ Start int64 } }
	}
	if err := json.Unmarshal([]byte(run(t, "", "sfdisk", "--json", raw)), &table); err != nil {
		t.Fatal(err)
	}
	partitions := table.PartitionTable.Partitions
	return partitions[len(partitions)-1].Start * 512
}
