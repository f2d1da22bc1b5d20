package qemu

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestArgs(t *testing.T) {
	key := "ssh-ed25519 AAAA build"
	tests := map[string]Options{
		"defaults": {},
		"build": {
			Name: "amigo", Accelerator: KVM, CPUs: 4, MemoryMiB: 4096, AuthorizedKey: key,
			Disks: []Disk{{Path: "/o/overlay.qcow2", Format: "qcow2"}}, Forward: []int{22, 80}, HostPorts: map[int]int{80: 9999},
			Console: "/o/console.log",
		},
		"boot-test": {
			Firmware: UEFI, AuthorizedKey: key, Isolated: true, Forward: []int{22, 80, 8080},
			Disks: []Disk{{Path: "/a,b/disk.qcow2", Format: "qcow2", Snapshot: true}},
			Seed:  "/s/seed.img", Credentials: map[string]string{"b": "2", "a": "1"},
			Extra: []string{"-S"},
		},
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
	_, err := Options{AuthorizedKey: "ssh-ed25519 A\nssh-ed25519 B"}.args(files{})
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
	code, vars, err := findUEFI("testdata/firmware")
	if err != nil || code != "/fw/code.fd" || vars != "/fw/vars.fd" {
		t.Errorf("got %q, %q, %v", code, vars, err)
	}
	if _, _, err := findUEFI(t.TempDir()); err == nil {
		t.Error("firmware was found in an empty directory")
	}
}
