package qemu

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu/qemutest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"40960": 40 << 30, "8G": 8 << 30, "512m": 512 << 20, "1024k": 1 << 20, "4096b": 4096, "": 0, "0": 0, "-1G": 0, "big": 0, "9999999999999G": 0} {
		got, err := parseSize(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("8G")
	f.Fuzz(func(t *testing.T, text string) {
		if size, err := parseSize(text); err == nil && size <= 0 {
			t.Errorf("%q: %d", text, size)
		}
	})
}

// TestFaultsOfOptions: each has its field, and all are told at once.
func TestFaultsOfOptions(t *testing.T) {
	_, err := prepare(map[string]any{
		"bootstrap": map[string]any{}, "disk_interface": "sataa", "disk_cache": "x", "disk_discard": "x", "disk_detect_zeroes": "x", "format": "raw",
		"disk_compression": true, "disk_additional_size": []string{"1G", "much"}, "machine_type": "a b", "cpu_model": "a b", "vga": "a b",
		"net_device": "a b", "qemuargs": [][]string{{"m", "1"}, {}}, "cpus": 2, "sockets": 2, "cores": 2, "accelerator": "kvm", "accelerators": []string{"tcg"},
		"host_port_min": 9, "host_port_max": 3, "skip_nat_mapping": true, "winrm_username": "x", "winrm_use_ssl": true, "temporary_key_pair_type": "rsa",
	})
	for _, want := range []string{
		`disk_interface: "sataa" is not known (did you mean "sata"?)`, "disk_cache:", "disk_discard:", "disk_detect_zeroes:", "disk_compression: a raw disk",
		`disk_additional_size: entry 2: "much"`, "machine_type:", "cpu_model:", "vga:", "net_device:", "qemuargs: entry 1", "qemuargs: entry 2",
		"cpus: 2 are fewer than the 4", "accelerator and accelerators:", "host_port_min and host_port_max: 9 to 3", "skip_nat_mapping: ssh_host",
		"winrm_username: guests with Windows", "winrm_use_ssl:", "temporary_key_pair_type: the build makes",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestDefaultsOfOptions(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}, "sockets": 2, "cores": 3, "accelerator": "tcg", "host_port_min": 2222, "disk_size": "4096"})
	if err != nil {
		t.Fatal(err)
	}
	c := b.config
	if c.CPUs != 6 || c.HostPortMax != 2223 || c.diskSize != 4<<30 || c.Format != "qcow2" {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff([]string{"tcg"}, c.Accelerators); diff != "" {
		t.Error(diff)
	}
}

// TestOtherMachine builds on another board with other devices, and a disk besides.
func TestOtherMachine(t *testing.T) {
	r := newRig(t, qemutest.Patient)
	for name, value := range map[string]any{
		"machine_type": "pc-q35-7.2", "cpu_model": "Nehalem", "sockets": 1, "cores": 2, "cpus": 2, "vga": "cirrus", "net_device": "e1000",
		"disk_interface": "sata", "disk_cache": "writeback", "disk_additional_size": []string{"8"}, "format": "raw",
		"qemuargs": [][]string{{"-m", "320"}, {"-rtc", "base=localtime"}}, "qemu_extra_args": []string{"-uuid", "8d3b1a5e-7f0a-4a3c-9d3b-2f1f6c1f4b7e"},
	} {
		r.config[name] = value
	}
	artifact, err := r.build(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &r.shown)
	}
	r.leaves("out/"+outdir.Marker, "out/amigo-1.raw", "out/amigo.raw")
	if diff := cmp.Diff([]string{filepath.Join(r.output(), "amigo.raw"), filepath.Join(r.output(), "amigo-1.raw")}, artifact.Files()); diff != "" {
		t.Error(diff)
	}
	info, err := qemuimg.Inspect(t.Context(), filepath.Join(r.output(), "amigo-1.raw"), "raw")
	if err != nil || info.VirtualSize != 8<<20 || artifact.State("diskType") != "raw" {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestQemuArgs: what they name is filled in.
func TestQemuArgs(t *testing.T) {
	b, err := prepare(map[string]any{
		"bootstrap": map[string]any{}, "vm_name": "me", "qemuargs": [][]string{{"-netdev", "user,id=user.0,", "hostfwd=tcp::{{ .SSHHostPort }}-:22"}, {"-name", "{{ .Name }}"}, {"-snapshot"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := outdir.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Discard() }()
	step := &stepBoot{&build{config: &b.config, output: out}}
	got, err := b.config.replaced(step.render)
	want := []engine.Arg{{Flag: "-netdev", Value: "user,id=user.0,hostfwd=tcp::0-:22"}, {Flag: "-name", Value: "me"}, {Flag: "-snapshot"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	b.config.QemuArgs = [][]string{{"-m", "{{ .Nothing }}"}}
	if _, err := b.config.replaced(step.render); err == nil || !strings.Contains(err.Error(), "qemuargs: entry 1") {
		t.Error(err)
	}
}

// TestPorts: a port that somebody else has is not taken.
func TestPorts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	taken := listener.Addr().(*net.TCPAddr).Port
	c := &Config{Reach: Reach{HostPortMin: taken, HostPortMax: taken + 1}}
	if _, err := c.freePort(); err == nil || !strings.Contains(err.Error(), "no port from "+strconv.Itoa(taken)) {
		t.Error(err)
	}
	c.HostPortMax = min(taken+50, 65536)
	if port, err := c.freePort(); err != nil || port <= taken {
		t.Errorf("%d, %v", port, err)
	}
	c.HostPortMin = 0
	if port, err := c.freePort(); err != nil || port != 0 {
		t.Errorf("%d, %v", port, err)
	}
}

// TestReachedElsewhere: a guest with an address of its own gets no port of this host, and one
// whose SSH listens elsewhere is looked for there.
func TestReachedElsewhere(t *testing.T) {
	b, err := prepare(map[string]any{"bootstrap": map[string]any{}, "skip_nat_mapping": true, "ssh_host": "192.0.2.7", "ssh_port": 2200})
	if err != nil {
		t.Fatal(err)
	}
	c := b.config
	port, err := (&build{config: &c}).sshPort()
	if err != nil || port != 2200 || c.forwarded() != nil || c.reaches(new(guest.Key)) {
		t.Errorf("%d, %v, %v", port, err, c.forwarded())
	}
	c.SkipNatMapping, c.Comm.SSHHost = false, ""
	if diff := cmp.Diff([]int{2200}, c.forwarded()); diff != "" || !c.reaches(new(guest.Key)) || c.reaches(nil) {
		t.Error(diff)
	}
}
