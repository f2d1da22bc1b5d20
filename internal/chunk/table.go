package chunk

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Of zstd's seekable format, all numbers little endian:
// https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md
const (
	skippable   = 0x184D2A5E // begins the frame of the table, which zstd skips
	seekTable   = 0x8F92EAB1 // ends it
	tableEntry  = 8          // bytes: length of a frame, length of its content
	tableFooter = 9          // bytes: number of frames, descriptor, seekTable
)

// writeTable writes the table that lets tools seek in the frames of an index.
// It has no checksums: each frame has its own.
func writeTable(out io.Writer, index *IndexWriter) error {
	to := bufio.NewWriter(out)
	put := func(p []byte) error { _, err := to.Write(p); return err }
	little := binary.LittleEndian
	head := little.AppendUint32(nil, skippable)
	if err := put(little.AppendUint32(head, index.count*tableEntry+tableFooter)); err != nil {
		return err
	}
	for e, err := range index.all() {
		if err != nil {
			return err
		}
		if err := put(little.AppendUint32(little.AppendUint32(nil, e.Frame), e.Length)); err != nil {
			return err
		}
	}
	const descriptor = 0
	foot := append(little.AppendUint32(nil, index.count), descriptor)
	if err := put(little.AppendUint32(foot, seekTable)); err != nil {
		return err
	}
	return to.Flush()
}
