package bootstrap

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/sandbox/sandboxtest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// log is a sink that keeps what it is told.
type log struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *log) Emit(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// has tells whether there was an event of a type with a text.
func (l *log) has(kind event.Type, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.events, func(e event.Event) bool { return e.Type == kind && strings.Contains(e.Text, text) })
}

// system is a root file system with what the assembly reads and calls in it: a
// grub-mkimage whose images hold its arguments and its configuration, and a
// systemctl that writes down what it is told.
func system(t *testing.T, grub string) string {
	t.Helper()
	return sandboxtest.RootFS(t, []string{"sh", "cat"}, map[string]string{
		"/usr/bin/grub-mkimage":            grub,
		"/usr/bin/systemctl":               "#!/bin/sh\necho \"$*\" >>/etc/units\n",
		"/usr/lib/grub/i386-pc/boot.img":   strings.Repeat("B", sectorSize),
		"/usr/lib/grub/i386-pc/ext2.mod":   "module",
		"/usr/lib/grub/i386-pc/fs.lst":     "list",
		"/usr/lib/grub/x86_64-efi/fat.mod": "module",
		"/usr/lib/grub/x86_64-efi/fs.lst":  "list",
		"/etc/ssh/ssh_host_rsa_key":        "a key that each machine would share",
		"/etc/ssh/sshd_config.d/README":    "",
		"/etc/systemd/network/README":      "",
		"/etc/default/README":              "",
		"/etc/machine-id":                  "an id that each machine would share\n",
		"/var/lib/dbus/machine-id":         "another",
		"/home/left":                       "left as it is",
		"/dev/null":                        "",
		"/boot/vmlinuz-6.1.0-9":            "",
		"/boot/vmlinuz-6.1.0-10":           "",
	})
}

// makeImages is a grub-mkimage.
const makeImages = `#!/bin/sh
echo "$*"
while [ "$1" != -o ]; do case $1 in -c) config=$2 ;; esac; shift; done
{ echo "images of $*"; cat "$config"; while [ ${#pad} -lt 1500 ]; do pad=${pad:-grub}$pad; done; echo "$pad"; } >"$2"
`

func plan(t *testing.T) Resolution {
	t.Helper()
	return Resolution{Spec: bookworm, Sources: []string{"deb http://deb.example/debian bookworm main"}, Packages: []Package{{"base-files", "1"}}}
}

// TestDisk assembles a small system with the real tools and looks at what is
// on the disk, as firmware and kernel would.
func TestDisk(t *testing.T) {
	store, rootFS, sink := cache.At(t.TempDir()), system(t, makeImages), new(log)
	phase := event.Start(sink, "base", "")
	disk, cached, err := Disk(t.Context(), store, plan(t), rootFS, phase)
	if err != nil || cached {
		t.Fatal(cached, err)
	}
	if !sink.has(event.Detail, "-O x86_64-efi") {
		t.Error("the log does not have what grub-mkimage said")
	}
	entries, err := os.ReadDir(filepath.Dir(disk))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the disk there is %v, %v", entries, err)
	}
	raw := filepath.Join(t.TempDir(), "disk.raw")
	output(t, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk, raw)
	looksBootable(t, raw)
	hasSystem(t, raw)
	if again, cached, err := Disk(t.Context(), store, plan(t), rootFS, phase); err != nil || !cached || again != disk {
		t.Errorf("the second time: %s, %v, %v", again, cached, err)
	}
}

// looksBootable checks what firmware reads of a disk.
func looksBootable(t *testing.T, raw string) {
	t.Helper()
	f, err := os.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, (biosStart+8)*sectorSize)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(head, []byte("BBBB")) || head[510] != 0x55 || head[511] != 0xaa {
		t.Error("the master boot record is not grub's boot image and a partition table")
	}
	if got := binary.LittleEndian.Uint64(head[bootKernelSector:]); got != biosStart {
		t.Errorf("the boot image loads sector %d", got)
	}
	uuid := newLayout(minDiskSize, plan(t).Key(), arch.AMD64).rootUUID
	core := string(head[biosStart*sectorSize:])
	if !strings.HasPrefix(core, "images of -o /tmp/core.img biosdisk") || !strings.Contains(core, "search.fs_uuid "+uuid+" root") {
		t.Errorf("the core image is %.300q", core)
	}
	efi := output(t, "mcopy", "-i", raw+"@@2097152", "::/EFI/BOOT/BOOTX64.EFI", "-")
	if !strings.HasPrefix(efi, "images of -o /tmp/efi.img part_gpt") || !strings.Contains(efi, uuid) {
		t.Errorf("UEFI's boot loader is %.300q", efi)
	}
}

// hasSystem checks what the kernel mounts as its root.
func hasSystem(t *testing.T, raw string) {
	t.Helper()
	uuid := newLayout(minDiskSize, plan(t).Key(), arch.AMD64).rootUUID
	for path, want := range map[string]string{
		"/home/left":                           "left as it is",
		"/etc/hostname":                        "amigo\n",
		"/etc/machine-id":                      "",
		"/etc/fstab":                           "UUID=" + uuid + " / ext4 rw,discard,errors=remount-ro 0 1\n",
		"/boot/grub/grub.cfg":                  "linux /boot/vmlinuz-6.1.0-10 root=UUID=" + uuid + " ro console=tty0 console=ttyS0,115200 panic=10\n    initrd /boot/initrd.img-6.1.0-10\n",
		"/boot/grub/i386-pc/ext2.mod":          "module",
		"/boot/grub/x86_64-efi/fat.mod":        "module",
		"/etc/ssh/sshd_config.d/50-amigo.conf": "PermitRootLogin prohibit-password\n",
		"/etc/units":                           "disable jetty9.service\nenable systemd-networkd.service systemd-resolved.service ssh.service\n",
	} {
		got := debugfs(t, raw, "cat "+path)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"/etc/ssh/ssh_host_rsa_key", "/var/lib/dbus/machine-id", "/tmp/early.cfg", "/dev/null"} {
		if got := debugfs(t, raw, "cat "+path); got != "" {
			t.Errorf("%s is left: %q", path, got)
		}
	}
}

// debugfs reads the file system in the last partition of a disk.
func debugfs(t *testing.T, raw, request string) string {
	t.Helper()
	return output(t, "debugfs", "-R", request, raw+"?offset=69206016")
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command.Output(t.Context(), command.Cmd{Name: name, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestDiskFails: an assembly that fails leaves nothing of itself, and says why.
func TestDiskFails(t *testing.T) {
	for name, c := range map[string]struct{ grub, want string }{
		"no boot loader":          {"#!/bin/sh\necho 'grub-mkimage: no such module' >&2\nexit 1\n", ": exit status 1: grub-mkimage: no such module"},
		"a core image too large":  {strings.Replace(makeImages, "1500", "1500000", 1), "more than its partition"},
		"a core image of nothing": {"#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\necho x >\"$2\"\n", "too short"},
	} {
		store := cache.At(t.TempDir())
		_, _, err := Disk(t.Context(), store, plan(t), system(t, c.grub), event.Start(event.Discard, "base", ""))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		left, _ := filepath.Glob(filepath.Join(store.Path(), "base", "*"))
		if slices.ContainsFunc(left, func(path string) bool { return !strings.HasSuffix(path, ".lock") }) {
			t.Errorf("%s: %q are left", name, left)
		}
	}
}

// TestDiskKey: a disk is another one if its packages, its size or what the
// packages come from are.
func TestDiskKey(t *testing.T) {
	key := DiskKey(plan(t))
	for name, change := range map[string]func(*Resolution){
		"size":     func(p *Resolution) { p.Spec.DiskSize++ },
		"release":  func(p *Resolution) { p.Spec.Release = "trixie" },
		"version":  func(p *Resolution) { p.Packages[0].Version = "2" },
		"archives": func(p *Resolution) { p.Sources = nil },
	} {
		other := plan(t)
		change(&other)
		if DiskKey(other) == key {
			t.Errorf("another %s gives the same disk", name)
		}
	}
	if DiskKey(plan(t)) != key {
		t.Error("the same plan gives another disk")
	}
}
