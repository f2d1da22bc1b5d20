package qemu

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/nearest"
	engine "github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Storage is the guest's disks, and what becomes of them.
type Storage struct {
	// The size of the guest's disk, like "8G", which is the default. A number alone is
	// MiB. It takes room on the host only where it is written.
	DiskSize string `mapstructure:"disk_size"`
	// Sizes of further disks, which are empty. They are in the output as VM_NAME-1.qcow2,
	// VM_NAME-2.qcow2 and so on.
	DiskAdditionalSize []string `mapstructure:"disk_additional_size"`
	// How the guest sees its disks: "virtio", the default, "virtio-scsi", "scsi", "sata",
	// "ide" or "nvme".
	DiskInterface string `mapstructure:"disk_interface"`
	// QEMU's cache while the guest is built: "unsafe", the default, "writeback",
	// "writethrough", "none" or "directsync". A build that is cut off leaves no disk in
	// any case.
	DiskCache string `mapstructure:"disk_cache"`
	// What becomes of blocks that the guest discards: "unmap", the default, or "ignore".
	DiskDiscard string `mapstructure:"disk_discard"`
	// What becomes of zeroes that the guest writes: "unmap", the default, "on" or "off".
	DiskDetectZeroes string `mapstructure:"disk_detect_zeroes"`
	// The format of the disks that are built, "qcow2", the default, or "raw".
	Format string `mapstructure:"format"`
	// Compress the disks that are built, with zstd. Post-processors that deliver an image
	// do so by themselves.
	DiskCompression bool `mapstructure:"disk_compression"`
}

// choices are what options with fixed values can be.
var choices = []struct {
	name   string
	value  func(*Storage) string
	values []string
}{
	{"disk_interface", func(s *Storage) string { return s.DiskInterface }, engine.Interfaces()},
	{"disk_cache", func(s *Storage) string { return s.DiskCache }, []string{"unsafe", "writeback", "writethrough", "none", "directsync"}},
	{"disk_discard", func(s *Storage) string { return s.DiskDiscard }, []string{"unmap", "ignore"}},
	{"disk_detect_zeroes", func(s *Storage) string { return s.DiskDetectZeroes }, []string{"unmap", "on", "off"}},
	{"format", func(s *Storage) string { return s.Format }, []string{"qcow2", "raw"}},
}

func (s *Storage) check() error {
	var errs []error
	for _, c := range choices {
		if value := c.value(s); value != "" && !slices.Contains(c.values, value) {
			errs = append(errs, errors.New(c.name+": "+nearest.Unknown(value, c.values)))
		}
	}
	for i, text := range s.DiskAdditionalSize {
		if _, err := parseSize(text); err != nil {
			errs = append(errs, fmt.Errorf("disk_additional_size: entry %d: %w", i+1, err))
		}
	}
	if s.DiskCompression && s.Format == "raw" {
		errs = append(errs, errors.New("disk_compression: a raw disk can't be compressed"))
	}
	return errors.Join(errs...)
}

// drive is a disk of the guest while it is built.
func (s *Storage) drive(path string) engine.Disk {
	return engine.Disk{
		Path: path, Format: "qcow2", Scratch: true,
		Interface: s.DiskInterface, Cache: s.DiskCache, Discard: s.DiskDiscard, DetectZeroes: s.DiskDetectZeroes,
	}
}

// built is a disk of the build: where the guest writes, and the file that is made of it.
type built struct{ work, final string }

// disks are those of the build, the guest's own first.
func (b *build) disks() []built {
	list := []built{{b.overlay(), b.diskName("")}}
	for i := range b.config.DiskAdditionalSize {
		number := "-" + strconv.Itoa(i+1)
		list = append(list, built{b.output.Path("further" + number + ".qcow2"), b.diskName(number)})
	}
	return list
}

// diskName is the name of a disk's file.
func (b *build) diskName(number string) string {
	return b.config.VMName + number + "." + b.config.Format
}

func (b *build) finalDisk() string { return filepath.Join(b.output.Final(), b.diskName("")) }
