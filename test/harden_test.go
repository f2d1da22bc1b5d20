//go:build vm

package test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/image/harden"
	"github.com/geneontology/packer-plugin-amigo/internal/image/roottree"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// listing prints every file of a root file system with all that is known of it but times.
const listing = `find / -xdev ! -path /proc -printf '%p\t%y %m %U:%G %n %l\n' | sort
find / -xdev -type f -print0 | sort -z | xargs -0 sha256sum
`

// oneMachines are files that no two runs make the same.
var oneMachines = []string{"/var/cache/ldconfig/aux-cache", "/var/log/jetty9"}

// TestHardenedAlike: a production image is the same whether its changes are made on the host,
// as the build did, or in a machine.
func TestHardenedAlike(t *testing.T) {
	overlay := filepath.Join(t.TempDir(), "overlay.qcow2")
	image, err := filepath.Abs(disk("distribution"))
	if err != nil {
		t.Fatal(err)
	}
	if err := qemuimg.Overlay(t.Context(), image, "qcow2", overlay); err != nil {
		t.Fatal(err)
	}
	options := qemu.Options{Disks: []qemu.Disk{{Path: overlay, Format: "qcow2", Scratch: true}}}
	if err := harden.Image(t.Context(), options, harden.Settings{}, event.Discard); err != nil {
		t.Fatal(err)
	}
	guest, host := files(t, overlay), files(t, disk("production"))
	for _, line := range slices.Concat(missing(guest, host), missing(host, guest)) {
		if !slices.ContainsFunc(oneMachines, func(path string) bool { return strings.Contains(line, path) }) {
			t.Errorf("in one of the two: %s", line)
		}
	}
	for _, path := range []string{"/var/lib/systemd/random-seed", "/etc/ssh/ssh_host_ed25519_key"} {
		if slices.ContainsFunc(guest, func(line string) bool { return strings.HasPrefix(line, path) }) {
			t.Errorf("the image has a secret of one machine: %s", path)
		}
	}
}

// files lists the root file system of a disk.
func files(t *testing.T, disk string) []string {
	t.Helper()
	tree, err := roottree.Open(t.Context(), disk, arch.Own(), filepath.Join(t.TempDir(), "tree"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	if err := tree.Run(t.Context(), listing, &out); err != nil {
		t.Fatal(err)
	}
	return strings.Split(out.String(), "\n")
}

// missing are the lines that the second list lacks.
func missing(from, in []string) []string {
	has := map[string]bool{}
	for _, line := range in {
		has[line] = true
	}
	return slices.DeleteFunc(slices.Clone(from), func(line string) bool { return has[line] })
}
