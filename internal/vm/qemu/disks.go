package qemu

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/optlist"
)

// attachment is how disks are attached to a guest.
type attachment struct {
	name       string // in a template
	controller string // the device that all of them are at, or ""
	driver     string // of each
	bus        string // of each, or ""
	units      int    // how many a bus has, if there are several buses
}

// attachments are those that there are. What they are on the command line is in
// https://www.qemu.org/docs/master/system/qemu-block-drivers.html and QEMU's own -device help.
var attachments = []attachment{
	{name: "virtio", driver: "virtio-blk-pci"},
	{name: "virtio-scsi", controller: "virtio-scsi-pci", driver: "scsi-hd", bus: "disks.0"},
	{name: "scsi", controller: "lsi53c895a", driver: "scsi-hd", bus: "disks.0"},
	{name: "sata", controller: "ich9-ahci", driver: "ide-hd", bus: "disks.", units: 1},
	{name: "ide", driver: "ide-hd", bus: "ide.", units: 2},
	{name: "nvme", driver: "nvme"},
}

// Interfaces returns how a guest can see a disk.
func Interfaces() []string {
	names := make([]string, len(attachments))
	for i, a := range attachments {
		names[i] = a.name
	}
	return names
}

func attachmentOf(name string) attachment {
	i := slices.IndexFunc(attachments, func(a attachment) bool { return a.name == name })
	return attachments[max(i, 0)]
}

// on is the attachment on a board: what is called IDE is SATA on all but the oldest.
func (a attachment) on(board string) attachment {
	if a.name == "ide" && (strings.HasPrefix(board, "q35") || strings.HasPrefix(board, "pc-q35")) {
		a.units = 1
	}
	return a
}

// device is the argument for disk number i.
func (a attachment) device(id string, i int) *optlist.List {
	device := optlist.Of(a.driver).With("drive", id)
	if a.driver == "nvme" {
		device.With("serial", id)
	}
	switch {
	case a.units > 0:
		device.With("bus", a.bus+strconv.Itoa(i/a.units)).With("unit", strconv.Itoa(i%a.units))
	case a.bus != "":
		device.With("bus", a.bus)
	}
	return device
}

func (o Options) diskArgs() []Arg {
	var args []Arg
	controllers := map[string]bool{}
	for i, disk := range o.Disks {
		id := "disk" + strconv.Itoa(i)
		drive := optlist.Of("").With("if", "none").With("id", id).With("format", disk.Format).
			With("discard", cmp.Or(disk.Discard, "unmap")).With("detect-zeroes", cmp.Or(disk.DetectZeroes, "unmap")).With("cache", disk.cache()).
			With("werror", "stop").With("rerror", "stop").File("file", disk.Path)
		switch {
		case disk.ReadOnly:
			drive.With("readonly", "on")
		case disk.Snapshot:
			drive.With("snapshot", "on")
		}
		a := attachmentOf(disk.Interface).on(cmp.Or(o.Machine, o.Arch.Machine))
		if a.controller != "" && !controllers[a.controller] {
			controllers[a.controller] = true
			args = append(args, Arg{"-device", optlist.Of(a.controller).With("id", "disks").String()})
		}
		device := a.device(id, i).With("bootindex", strconv.Itoa(i+1))
		args = append(args, Arg{"-drive", drive.String()}, Arg{"-device", device.String()})
	}
	if o.Seed != "" {
		drive := optlist.Of("").With("if", "none").With("id", "seed").With("format", "raw").With("readonly", "on").File("file", o.Seed)
		args = append(args, Arg{"-drive", drive.String()}, Arg{"-device", optlist.Of("virtio-blk-pci").With("drive", "seed").String()})
	}
	return args
}

// cache is "unsafe" (no flush to the medium) where nobody keeps the writes.
func (d Disk) cache() string {
	switch {
	case d.Cache != "":
		return d.Cache
	case d.Snapshot || d.Scratch:
		return "unsafe"
	}
	return "writeback"
}
