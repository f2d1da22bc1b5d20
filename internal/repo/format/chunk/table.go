package chunk

import (
	"encoding/binary"
	"errors"
	"io"
)

// Of zstd's seekable format, all numbers little endian:
// https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md
const (
	skippable   = 0x184D2A5E // begins the frame of the table, which zstd skips
	seekTable   = 0x8F92EAB1 // ends it
	tableEntry  = 8          // bytes: length of a frame, length of its content
	tableFooter = 9          // bytes
)

// footer ends the table.
type footer struct {
	Frames     uint32
	Descriptor uint8 // 0: no checksums
	Magic      uint32
}

// writeTable writes the table that lets tools seek in the frames of an index.
// It has no checksums: each frame has its own.
func writeTable(out io.Writer, index *IndexWriter) error {
	order := binary.LittleEndian
	err := binary.Write(out, order, []uint32{skippable, index.count*tableEntry + tableFooter})
	for e, unread := range index.all() {
		if err := errors.Join(err, unread); err != nil {
			return err
		}
		err = binary.Write(out, order, []uint32{e.Frame, e.Length})
	}
	return errors.Join(err, binary.Write(out, order, footer{Frames: index.count, Magic: seekTable}))
}
