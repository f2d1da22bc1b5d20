// Package qemutest makes disks with guests of a few instructions, for the tests
// of what runs machines. A guest boots from BIOS in less than a second, even
// emulated.
package qemutest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
)

// BootSector is the machine code of a boot sector. It uses the ACPI registers of
// QEMU's q35, which begin at port 0x600.
type BootSector []byte

var (
	// Patient writes a dot to its serial console as soon as it runs, and
	// switches itself off when its power button is pressed.
	Patient = BootSector{
		0xfa,             // cli
		0xba, 0x02, 0x06, // mov dx, 0x602: which events are reported
		0xb8, 0x00, 0x01, // mov ax, 0x100: the power button
		0xef,             // out dx, ax
		0xba, 0xf8, 0x03, // mov dx, 0x3f8: the serial console
		0xb0, 0x2e, // mov al, '.'
		0xee,             // out dx, al
		0xba, 0x00, 0x06, // mov dx, 0x600: which events there were
		0xed,             // again: in ax, dx
		0xf6, 0xc4, 0x01, // test ah, 1
		0x74, 0xfa, // jz again
		0xba, 0x04, 0x06, // mov dx, 0x604: power
		0xb8, 0x01, 0x20, // mov ax, 0x2001: off
		0xef,       // out dx, ax
		0xeb, 0xfe, // jmp to itself
	}
	// Brief switches itself off at once.
	Brief = BootSector{
		0xba, 0x04, 0x06, // mov dx, 0x604: power
		0xb8, 0x01, 0x20, // mov ax, 0x2001: off
		0xef,       // out dx, ax
		0xeb, 0xfe, // jmp to itself
	}
	// Deaf writes a dot to its serial console and runs until somebody ends it.
	Deaf = BootSector{
		0xfa,             // cli
		0xba, 0xf8, 0x03, // mov dx, 0x3f8: the serial console
		0xb0, 0x2e, // mov al, '.'
		0xee,       // out dx, al
		0xf4,       // again: hlt
		0xeb, 0xfd, // jmp again
	}
)

// Size is the virtual size of a guest's disk, in bytes.
const Size = 1 << 20

// Disk makes a qcow2 file that a guest boots from, in a directory of its own.
func Disk(t testing.TB, g BootSector) string {
	t.Helper()
	disk := make([]byte, Size)
	copy(disk, g)
	disk[510], disk[511] = 0x55, 0xaa
	dir := t.TempDir()
	raw, path := filepath.Join(dir, "disk.raw"), filepath.Join(dir, "disk.qcow2")
	if err := os.WriteFile(raw, disk, 0o644); err != nil {
		t.Fatal(err)
	}
	convert := command.Cmd{Name: "qemu-img", Args: []string{"convert", "-f", "raw", "-O", "qcow2", raw, path}}
	if err := errors.Join(command.Run(context.Background(), convert), os.Remove(raw)); err != nil {
		t.Fatal(err)
	}
	return path
}
