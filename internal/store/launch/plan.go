// Package launch starts a machine from an image, waits until it serves AmiGO,
// and shuts it down in good order.
package launch

import (
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Ports of the guest.
const (
	sshPort = machine.SSHPort
	webPort = 80
)

// Production is the variant whose operator gets the user's keys from a seed;
// in every other, root gets them from systemd's credentials.
const Production = "production"

// Settings is what a person chooses.
type Settings struct {
	CPUs      int           // 0: 2
	MemoryMiB int           // 0: 2048
	Port      int           // of this host, for the web; 0: whichever
	Timeout   time.Duration // for each wait; 0: what fits the accelerator
	Keys      []string      // of the user, lines of authorized_keys
	Console   string        // the file that gets the serial console
	Firmware  qemu.Firmware // "": BIOS where there is one, else UEFI
}

// patience is how long a machine may take for each step: to answer SSH, to serve AmiGO. A
// person's computer does other things, too, so it is half as much again as in a test.
func (s Settings) patience(accelerator qemu.Accelerator) time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return machine.LimitsOf(accelerator).Serving * 3 / 2
}

// options describes the virtual machine.
func options(m imagestore.Machine, s Settings, accelerator qemu.Accelerator) qemu.Options {
	variant, a := layout.SplitVariant(m.Variant)
	o := qemu.Options{
		Arch:        a,
		Name:        "amigo-" + m.Name,
		Accelerator: accelerator,
		Firmware:    s.Firmware,
		CPUs:        s.CPUs,
		MemoryMiB:   s.MemoryMiB,
		Disks:       []qemu.Disk{{Path: m.Path(imagestore.OverlayFile), Format: "qcow2", Scratch: !m.Kept}},
		Forward:     []int{sshPort, webPort},
		HostPorts:   map[int]int{webPort: s.Port},
		Console:     s.Console,
		// A machine that serves is better off started again than off.
		SurvivesPanic: true,
	}
	if m.Data != "" {
		o.Disks = append(o.Disks, qemu.Disk{Path: m.Data, Format: m.DataFormat, ReadOnly: true})
	}
	if variant == Production {
		o.Seed = m.Path(imagestore.SeedFile)
	} else {
		o.AuthorizedKeys = s.Keys
	}
	return o
}
