package qemuimg

import (
	"encoding/binary"
	"fmt"
)

// The header of a qcow2 image, all numbers big-endian, as QEMU's
// docs/interop/qcow2.txt describes it.
const (
	headerSize = 64 << 10 // of a file, that is read: the largest usual cluster

	offVersion       = 4
	offBacking       = 8
	offBackingLength = 16
	offEncryption    = 32
	offSnapshots     = 60
	offIncompatible  = 72
	offHeaderLength  = 100

	v2Length = 72  // of version 2's header
	v3Least  = 104 // of version 3's

	bitDataFile = 1 << 2
	// knownBits are dirty, corrupt, an external data file, the compression type
	// and extended L2 entries.
	knownBits = 1<<5 - 1

	extEnd      = 0
	extDataFile = 0x44415441 // "DATA": the name of an external data file
	extLUKS     = 0x0537be77 // where the encryption's header is
)

// refuse says why a qcow2 image with this beginning is not whole by itself, or
// "".
func refuse(begin []byte) string {
	if len(begin) < v2Length {
		return "is cut short: it has no whole qcow2 header"
	}
	version := binary.BigEndian.Uint32(begin[offVersion:])
	switch {
	case version != 2 && version != 3:
		return fmt.Sprintf("is of the unknown qcow2 version %d", version)
	case binary.BigEndian.Uint64(begin[offBacking:]) != 0 || binary.BigEndian.Uint32(begin[offBackingLength:]) != 0:
		return fmt.Sprintf("has the backing file %q", backing(begin))
	case binary.BigEndian.Uint32(begin[offEncryption:]) != 0:
		return "is encrypted"
	case binary.BigEndian.Uint32(begin[offSnapshots:]) != 0:
		return "holds snapshots"
	case version == 3:
		return refuse3(begin)
	}
	return refuseExtensions(begin[v2Length:])
}

func refuse3(begin []byte) string {
	if len(begin) < v3Least {
		return "is cut short: it has no whole qcow2 header"
	}
	features := binary.BigEndian.Uint64(begin[offIncompatible:])
	length := binary.BigEndian.Uint32(begin[offHeaderLength:])
	switch {
	case features&bitDataFile != 0:
		return "has its data in another file"
	case features&^knownBits != 0:
		return "has features of qcow2 that are not known here"
	case length < v3Least || int(length) > len(begin):
		return "has a qcow2 header of an impossible length"
	}
	return refuseExtensions(begin[length:])
}

// refuseExtensions looks at what follows a header: type, length, and content
// that is padded to a multiple of eight bytes.
func refuseExtensions(rest []byte) string {
	for len(rest) >= 8 {
		kind, length := binary.BigEndian.Uint32(rest), int(binary.BigEndian.Uint32(rest[4:]))
		switch kind {
		case extEnd:
			return ""
		case extDataFile:
			return "has its data in another file"
		case extLUKS:
			return "is encrypted"
		}
		if length < 0 || length > len(rest)-8 {
			break
		}
		rest = rest[8+min((length+7)&^7, len(rest)-8):]
	}
	return "has a qcow2 header that does not end"
}

// backing is the name of the backing file, for people.
func backing(begin []byte) string {
	offset, length := binary.BigEndian.Uint64(begin[offBacking:]), uint64(binary.BigEndian.Uint32(begin[offBackingLength:]))
	if offset > uint64(len(begin)) || length > uint64(len(begin))-offset {
		return ""
	}
	return string(begin[offset : offset+min(length, 200)])
}
