package qemu

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// firmwareDescriptors is where distributions describe their firmware images,
// https://www.qemu.org/docs/master/interop/firmware.html (docs/interop/firmware.json).
const firmwareDescriptors = "/usr/share/qemu/firmware"

// descriptor is the part of a firmware descriptor that is used here.
type descriptor struct {
	InterfaceTypes []string `json:"interface-types"`
	Mapping        struct {
		Device     string `json:"device"`
		Executable struct {
			Filename string `json:"filename"`
			Format   string `json:"format"`
		} `json:"executable"`
		Template struct {
			Filename string `json:"filename"`
			Format   string `json:"format"`
		} `json:"nvram-template"`
	} `json:"mapping"`
	Targets []struct {
		Architecture string   `json:"architecture"`
		Machines     []string `json:"machines"`
	} `json:"targets"`
	Features []string `json:"features"`
}

// NoUEFIError says that a host has no firmware for an architecture.
type NoUEFIError struct {
	Arch       arch.Arch
	Unreadable []error // descriptors that may have told of one
}

func (e *NoUEFIError) Error() string {
	if len(e.Unreadable) > 0 {
		return fmt.Sprintf("no UEFI firmware for %s on this host (%v)", e.Arch.QEMU, e.Unreadable[0])
	}
	return fmt.Sprintf("no UEFI firmware for %s on this host (try: apt-get install %s)", e.Arch.QEMU, e.Arch.Firmware)
}

// UEFIFirmware returns the path of the UEFI firmware that guests boot with.
func UEFIFirmware(a arch.Arch) (string, error) {
	code, _, err := findUEFI(firmwareDescriptors, a)
	return code, err
}

// findUEFI returns the firmware and the template of its variables that the
// first fitting descriptor in dir names, in the order of the file names. Those that can't be
// read are some other firmware's business.
func findUEFI(dir string, a arch.Arch) (code, vars string, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return "", "", fmt.Errorf("listing firmware: %w", err)
	}
	slices.Sort(paths)
	var unreadable []error
	for _, path := range paths {
		d, err := readDescriptor(path)
		switch {
		case err != nil:
			unreadable = append(unreadable, err)
		case d.fits(a):
			return d.Mapping.Executable.Filename, d.Mapping.Template.Filename, nil
		}
	}
	return "", "", &NoUEFIError{Arch: a, Unreadable: unreadable}
}

func readDescriptor(path string) (d descriptor, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return d, fmt.Errorf("reading a firmware descriptor: %w", err)
	}
	if err := json.Unmarshal(content, &d); err != nil {
		return d, fmt.Errorf("reading firmware descriptor %s: %w", path, err)
	}
	return d, nil
}

// forSigned are features of firmware that starts signed loaders only, or needs System
// Management Mode for that, which TCG is slow at.
var forSigned = []string{"secure-boot", "enrolled-keys", "requires-smm"}

// fits tells whether the firmware runs on our machine: its board, raw flash images, and
// whatever boots.
func (d descriptor) fits(a arch.Arch) bool {
	if !slices.Contains(d.InterfaceTypes, "uefi") || d.Mapping.Device != "flash" ||
		d.Mapping.Executable.Format != "raw" || slices.ContainsFunc(d.Features, func(feature string) bool { return slices.Contains(forSigned, feature) }) {
		return false
	}
	for _, target := range d.Targets {
		if target.Architecture != a.QEMU {
			continue
		}
		for _, machine := range target.Machines {
			if strings.HasPrefix(machine, a.Board) {
				return true
			}
		}
	}
	return false
}
