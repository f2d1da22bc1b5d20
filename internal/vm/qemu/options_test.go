package qemu

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestArgs(t *testing.T) {
	key := "ssh-ed25519 AAAA build"
	tests := map[string]Options{
		"defaults": {},
		"arm64":    {Arch: arch.ARM64, AuthorizedKeys: []string{key}, Disks: []Disk{{Path: "/o/disk.qcow2", Format: "qcow2"}}, Forward: []int{22}},
		"build": {
			Name: "amigo", Accelerator: KVM, CPUs: 4, MemoryMiB: 4096, AuthorizedKeys: []string{key},
			Disks: []Disk{{Path: "/o/overlay.qcow2", Format: "qcow2"}}, Forward: []int{22, 80}, HostPorts: map[int]int{80: 9999},
			Console: "/o/console.log",
		},
		"boot-test": {
			Firmware: UEFI, AuthorizedKeys: []string{key}, Isolated: true, Forward: []int{22, 80, 8080},
			Disks: []Disk{{Path: "/a,b/disk.qcow2", Format: "qcow2", Snapshot: true}},
			Seed:  "/s/seed.img",
			Extra: []string{"-S"},
		},
		"of others": {
			Machine: "pc", CPU: "Haswell-v4", Topology: Topology{Sockets: 1, Cores: 2, Threads: 2}, CPUs: 4, VGA: "qxl", NIC: "e1000",
			Disks: []Disk{
				{Path: "/o/a.qcow2", Format: "qcow2", Interface: "virtio-scsi", Cache: "none", Discard: "ignore", DetectZeroes: "off"},
				{Path: "/o/b.qcow2", Format: "qcow2", Interface: "virtio-scsi"}, {Path: "/o/c.qcow2", Format: "qcow2", Interface: "nvme"},
			},
			Forward: []int{22},
		},
		"replaced": {
			Disks: []Disk{{Path: "/o/a.qcow2", Format: "qcow2", Interface: "sata"}}, Forward: []int{22}, AuthorizedKeys: []string{key},
			Replace: []Arg{{"-device", "virtio-net,netdev=user.0"}, {"-netdev", "user,id=user.0,hostfwd=tcp::0-:22"}, {"-m", "1G"}, {"-smbios", "type=1"}, {"-enable-kvm", ""}},
		},
		"other drives": {Disks: []Disk{{Path: "/o/a.qcow2", Format: "qcow2"}}, Replace: []Arg{{"-drive", "file=/x,if=virtio"}}},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			args, err := options.withDefaults().args(files{monitor: "/r/qmp", code: "/f/code.fd", vars: "/r/vars.fd"})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, strings.Join(args, "\n")+"\n")
		})
	}
}

func TestArgsRefuseTwoKeys(t *testing.T) {
	_, err := Options{AuthorizedKeys: []string{"ssh-ed25519 A\nssh-ed25519 B"}}.args(files{})
	if err == nil {
		t.Fatal("two lines were taken as one key")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestForwardLine(t *testing.T) {
	const table = `Hub -1 (net0):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  13       127.0.0.1 46085       10.0.2.15    22     0     0
  TCP[ESTABLISHED]   15       127.0.0.1 46085       10.0.2.15    22     0     0
  UDP[236 sec]       14       10.0.2.15 49152      10.0.2.3    53     0     0
`
	match := forwardLine.FindAllStringSubmatch(table, -1)
	if len(match) != 1 || match[0][1] != "46085" || match[0][2] != "22" {
		t.Errorf("got %q", match)
	}
}

func TestFindUEFI(t *testing.T) {
	for _, c := range []struct {
		arch       arch.Arch
		code, vars string
	}{
		{arch.AMD64, "/fw/code.fd", "/fw/vars.fd"},
		{arch.ARM64, "/fw/arm.fd", "/fw/arm-vars.fd"},
	} {
		code, vars, err := findUEFI("testdata/firmware", c.arch)
		if err != nil || code != c.code || vars != c.vars {
			t.Errorf("%s: %q, %q, %v", c.arch.Name, code, vars, err)
		}
	}
	_, _, err := findUEFI(t.TempDir(), arch.ARM64)
	if err == nil || !strings.Contains(err.Error(), "no UEFI firmware for aarch64 on this host (try: apt-get install qemu-efi-aarch64)") {
		t.Errorf("in an empty directory: %v", err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS("testdata/firmware")), os.WriteFile(filepath.Join(dir, "00-broken.json"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, _, err := findUEFI(dir, arch.AMD64); err != nil || code != "/fw/code.fd" {
		t.Errorf("beside a broken descriptor: %q, %v", code, err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "00-broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := findUEFI(broken, arch.AMD64); err == nil || !strings.Contains(err.Error(), "00-broken.json") {
		t.Errorf("of a broken descriptor alone: %v", err)
	}
}
