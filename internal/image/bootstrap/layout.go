package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// partitions is where things are on the disk.
type partitions struct {
	size     int64 // bytes
	diskID   string
	rootUUID string // of the file system
	espID    string // volume id of the FAT file system, 8 hex digits
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
func newLayout(size int64, key string) partitions {
	return partitions{
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

// sfdisk returns the partition table as a script of sfdisk. The types are a
// BIOS boot partition, an EFI system partition and the root of x86-64 of the
// Discoverable Partitions Specification.
func (l partitions) sfdisk() string {
	return fmt.Sprintf(`label: gpt
label-id: %s
start=%d, size=%d, type=21686148-6449-6E6F-744E-656564454649, uuid=%s, name=bios
start=%d, size=%d, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=%s, name=esp
start=%d, size=%d, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=%s, name=root
`, l.diskID,
		biosStart, biosSize, uuid(l.diskID+"1"),
		espStart, espSize, uuid(l.diskID+"2"),
		rootStart, l.rootSize(), uuid(l.diskID+"3"))
}
