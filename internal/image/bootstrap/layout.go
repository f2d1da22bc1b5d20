package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
)

// partitions is where things are on the disk.
type partitions struct {
	size     int64 // bytes
	diskID   string
	rootUUID string // of the file system
	espID    string // volume id of the FAT file system, 8 hex digits
	arch     arch.Arch
}

// Sectors of the partitions.
const (
	biosStart = 2048 // GRUB's core image
	biosSize  = 2048
	espStart  = biosStart + biosSize
	espSize   = 64 << 20 / sectorSize
	rootStart = espStart + espSize
	gptEnd    = 2048 // left free for the second table
)

// newLayout derives all identifiers from key, so that the same plan gives the
// same disk.
func newLayout(size int64, key string, a arch.Arch) partitions {
	return partitions{
		arch:     a,
		size:     size,
		diskID:   uuid(key + "disk"),
		rootUUID: uuid(key + "root"),
		espID:    uuid(key + "esp")[:8],
	}
}

// uuid returns a UUID of version 8 (RFC 9562: custom) made from seed.
func uuid(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func (l partitions) rootSize() int64 {
	return l.size/sectorSize - rootStart - gptEnd
}

// sfdisk returns the partition table as a script of sfdisk: a BIOS boot partition
// where there is a BIOS, an EFI system partition and the root.
func (l partitions) sfdisk() string {
	table := fmt.Sprintf("label: gpt\nlabel-id: %s\n", l.diskID)
	line := func(start, size int64, kind, number, name string) {
		table += fmt.Sprintf("start=%d, size=%d, type=%s, uuid=%s, name=%s\n", start, size, kind, uuid(l.diskID+number), name)
	}
	if l.arch.BIOS {
		line(biosStart, biosSize, "21686148-6449-6E6F-744E-656564454649", "1", "bios")
	}
	line(espStart, espSize, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "2", "esp")
	line(rootStart, l.rootSize(), l.arch.RootType, "3", "root")
	return table
}
