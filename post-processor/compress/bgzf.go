package compress

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/gzip"
)

// bgzfBlock is how many bytes one block has, so that none of its compressed forms
// needs more than the 16 bits for its length.
const bgzfBlock = 0xff00

// bgzf writes blocked gzip, of which each block can be read by itself: members of at
// most 64 KiB whose headers say their length. It is defined in the specification of
// SAM and BAM.
type bgzf struct {
	w     io.Writer
	level int
	block []byte // not written yet
}

func toBGZF(_ context.Context, w io.Writer, level int) (io.WriteCloser, error) {
	if level == 0 {
		level = gzip.DefaultCompression
	}
	return &bgzf{w: w, level: level}, nil
}

func (z *bgzf) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), bgzfBlock-len(z.block))
		z.block = append(z.block, p[:n]...)
		p, written = p[n:], written+n
		if len(z.block) == bgzfBlock {
			if err := z.flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// Close writes what is left, and the empty block that marks the end.
func (z *bgzf) Close() error {
	if len(z.block) > 0 {
		if err := z.flush(); err != nil {
			return err
		}
	}
	return z.flush()
}

// flush writes the block as a member. Its length is known only then: it is put where
// the header has room for it, after the 10 bytes that every member has, the length of
// the extra field and the field's name and length.
func (z *bgzf) flush() error {
	var member bytes.Buffer
	gz, err := gzip.NewWriterLevel(&member, z.level)
	if err != nil {
		return err
	}
	gz.Extra = []byte{'B', 'C', 2, 0, 0, 0}
	if _, err := gz.Write(z.block); err != nil {
		return err
	}
	if err := gz.Close(); err != nil {
		return err
	}
	binary.LittleEndian.PutUint16(member.Bytes()[16:], uint16(member.Len()-1)) //nolint:gosec // bgzfBlock sees to it
	z.block = z.block[:0]
	_, err = z.w.Write(member.Bytes())
	return err
}
