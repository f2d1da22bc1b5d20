package qemu

import (
	"slices"
	"strings"
)

// Arg is a flag of QEMU's command line and its value, or "" where it has none.
type Arg struct{ Flag, Value string }

// words are arguments as a program gets them.
func words(args []Arg) []string {
	var list []string
	for _, a := range args {
		list = append(list, a.Flag)
		if a.Value != "" {
			list = append(list, a.Value)
		}
	}
	return list
}

// kept are flags of ours that stay beside others of the same name: without them nobody could
// speak with the machine or log in.
var kept = []string{"-qmp", "-smbios"}

// replace puts others in the place of all arguments with the same flag, as qemuargs of
// HashiCorp's builder do. There, devices are network cards and the like, and disks are drives
// without a device. So other devices leave the disks, and other drives take their devices
// with them.
func replace(args, others []Arg) []Arg {
	var flags []string
	for _, other := range others {
		flags = append(flags, other.Flag)
	}
	args = slices.DeleteFunc(slices.Clone(args), func(a Arg) bool {
		switch {
		case slices.Contains(kept, a.Flag):
			return false
		case a.Flag == "-device" && isDisk(a.Value):
			return slices.Contains(flags, "-drive")
		}
		return slices.Contains(flags, a.Flag)
	})
	return append(args, others...)
}

// isDisk tells whether a device is a disk or what disks are at.
func isDisk(device string) bool {
	return strings.Contains(device, ",drive=") || strings.Contains(device, ",id=disks")
}
