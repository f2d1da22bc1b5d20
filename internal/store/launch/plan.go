// Package launch starts a machine from an image, waits until it serves AmiGO,
// and shuts it down in good order.
package launch

import (
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
)

// Ports of the guest.
const (
	sshPort = 22
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

// waits bounds the parts of a machine's life. They end what is stuck.
type waits struct{ up, down time.Duration }

func (s Settings) waits(accelerator qemu.Accelerator) waits {
	w := waits{up: 5 * time.Minute, down: time.Minute}
	if accelerator == qemu.TCG {
		w = waits{up: 15 * time.Minute, down: 4 * time.Minute}
	}
	if s.Timeout > 0 {
		w.up = s.Timeout
	}
	return w
}

// options describes the virtual machine. own is our key, which gets in
// whatever the image is.
func options(m imagestore.Machine, s Settings, accelerator qemu.Accelerator, own string) qemu.Options {
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
	}
	if m.Data != "" {
		o.Disks = append(o.Disks, qemu.Disk{Path: m.Data, Format: m.DataFormat, ReadOnly: true})
	}
	keys := []string{own}
	if variant == Production {
		o.Seed = m.Path(imagestore.SeedFile)
	} else {
		keys = append(keys, s.Keys...)
	}
	o.Credentials = map[string]string{"ssh.authorized_keys.root": strings.Join(keys, "\n") + "\n"}
	return o
}
