package bootstrap

import (
	"encoding/binary"
	"errors"
)

// sectorSize is what GRUB's block lists and GPT count in, in bytes.
const sectorSize = 512

// Places in GRUB's images, from grub-core/boot/i386/pc/boot.S and diskboot.S.
const (
	bootKernelSector = 0x5c  // boot.img: where core.img begins, 64 bit
	bootDriveCheck   = 0x66  // boot.img: a jump around a workaround for floppies
	bootCodeSize     = 440   // what a protective MBR leaves to boot code
	coreBlockList    = 0x1f4 // core.img: first entry of its block list, sector as 64 bit
)

var errShortGrub = errors.New("a boot image of grub is too short")

// embed returns the code of the master boot record, and GRUB's core image,
// for a core image in the BIOS boot partition. It does what grub-install
// does, without a device.
func embed(boot, core []byte) (mbr, embedded []byte, err error) {
	if len(boot) < sectorSize || len(core) < 2*sectorSize {
		return nil, nil, errShortGrub
	}
	mbr = append([]byte(nil), boot[:bootCodeSize]...)
	binary.LittleEndian.PutUint64(mbr[bootKernelSector:], biosStart)
	// Two NOPs: trust the drive number of the BIOS.
	mbr[bootDriveCheck], mbr[bootDriveCheck+1] = 0x90, 0x90
	embedded = append([]byte(nil), core...)
	binary.LittleEndian.PutUint64(embedded[coreBlockList:], biosStart+1)
	return mbr, embedded, nil
}
