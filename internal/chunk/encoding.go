package chunk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// A .chunks file, all numbers big endian:
//
//	"AMIGOCDC", format 1, MinSize, NormalSize, MaxSize       8 bytes, 4 x 4
//	size and SHA-256 of the disk                              8, 32
//	size and SHA-256 of the file of frames                    8, 32
//	length of its name, name                                  1, n
//	number of chunks                                          4
//	a chunk: length << 1, length of its frame, SHA-256        varint, varint, 32
//	a run of zeros: length << 1 | 1, length of its frame, how often   3 varints
//	SHA-256 of all before                                     32
const (
	magic  = "AMIGOCDC"
	format = 1
)

// header is what has a fixed length.
type header struct {
	Magic                    [len(magic)]byte
	Format, Min, Normal, Max uint32
	DiskSize                 uint64
	DiskDigest               Digest
	FramesSize               uint64
	FramesDigest             Digest
	NameLength               uint8
}

// Encode returns the content of the .chunks file.
func (x Index) Encode() ([]byte, error) {
	if err := x.check(); err != nil {
		return nil, fmt.Errorf("writing an index: %w", err)
	}
	h := header{
		Magic: [8]byte([]byte(magic)), Format: format, Min: MinSize, Normal: NormalSize, Max: MaxSize,
		DiskSize: uint64(x.Disk.Size), DiskDigest: x.Disk.SHA256, //nolint:gosec // checked above
		FramesSize: uint64(x.Frames.Size), FramesDigest: x.Frames.SHA256, //nolint:gosec // checked above
		NameLength: uint8(len(x.Frames.Name)), //nolint:gosec // checked above
	}
	out, err := binary.Append(nil, binary.BigEndian, h)
	if err != nil {
		return nil, fmt.Errorf("writing an index: %w", err)
	}
	out = append(out, x.Frames.Name...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(x.Chunks))) //nolint:gosec // checked above
	for i := 0; i < len(x.Chunks); {
		n := run(x.Chunks[i:])
		out = appendChunk(out, x.Chunks[i], n)
		i += n
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), nil
}

// run returns how many chunks are written as one.
func run(chunks []Chunk) int {
	n := 1
	for chunks[0].Zero && n < len(chunks) && chunks[n] == chunks[0] {
		n++
	}
	return n
}

func appendChunk(out []byte, c Chunk, n int) []byte {
	length := uint64(c.Length) << 1
	if c.Zero {
		length |= 1
	}
	out = binary.AppendUvarint(out, length)
	out = binary.AppendUvarint(out, uint64(c.Frame))
	if c.Zero {
		return binary.AppendUvarint(out, uint64(n)) //nolint:gosec // not negative
	}
	return append(out, c.SHA256[:]...)
}

// Decode reads a .chunks file. It trusts nothing in it.
func Decode(content []byte) (Index, error) {
	x, err := decode(content)
	if err != nil {
		return Index{}, fmt.Errorf("reading an index: %w", err)
	}
	return x, nil
}

var errShort = errors.New("it ends too early")

func decode(content []byte) (Index, error) {
	body := len(content) - sha256.Size
	if body < 0 || !bytes.HasPrefix(content, []byte(magic)) {
		return Index{}, errors.New("it is none")
	}
	if sha256.Sum256(content[:body]) != Digest(content[body:]) {
		return Index{}, errors.New("it is damaged: its digest differs")
	}
	in := bytes.NewReader(content[:body])
	x, count, err := decodeHeader(in)
	if err != nil {
		return x, err
	}
	if x.Chunks, err = decodeChunks(in, count); err != nil {
		return x, err
	}
	return x, x.check()
}

func decodeHeader(in *bytes.Reader) (x Index, count uint32, err error) {
	var h header
	if binary.Read(in, binary.BigEndian, &h) != nil {
		return x, 0, errShort
	}
	if h.Format != format || h.Min != MinSize || h.Normal != NormalSize || h.Max != MaxSize {
		return x, 0, fmt.Errorf("format %d with chunks of %d to %d bytes is not known here", h.Format, h.Min, h.Max)
	}
	name := make([]byte, h.NameLength)
	if binary.Read(in, binary.BigEndian, name) != nil || binary.Read(in, binary.BigEndian, &count) != nil {
		return x, 0, errShort
	}
	x.Disk = File{Size: int64(h.DiskSize), SHA256: h.DiskDigest}                           //nolint:gosec // checked later
	x.Frames = File{Name: string(name), Size: int64(h.FramesSize), SHA256: h.FramesDigest} //nolint:gosec // checked later
	if count > MaxChunks {
		return x, 0, fmt.Errorf("%d chunks are too many", count)
	}
	return x, count, nil
}

func decodeChunks(in *bytes.Reader, count uint32) ([]Chunk, error) {
	// A few bytes may say many chunks: memory comes with what is there.
	chunks := make([]Chunk, 0, min(int(count), in.Len()))
	for in.Len() > 0 {
		c, n, err := decodeChunk(in)
		if err != nil {
			return nil, err
		}
		if n == 0 || n > uint64(count)-uint64(len(chunks)) {
			return nil, errors.New("it has another number of chunks than it says")
		}
		for range n {
			chunks = append(chunks, c)
		}
	}
	if len(chunks) != int(count) {
		return nil, errors.New("it has another number of chunks than it says")
	}
	return chunks, nil
}

// decodeChunk returns a chunk and how often it is there.
func decodeChunk(in *bytes.Reader) (c Chunk, n uint64, err error) {
	length, err1 := binary.ReadUvarint(in)
	frame, err2 := binary.ReadUvarint(in)
	if err1 != nil || err2 != nil {
		return c, 0, errShort
	}
	if length>>1 > MaxSize || frame > maxFrame {
		return c, 0, fmt.Errorf("a chunk of %d bytes, a frame of %d", length>>1, frame)
	}
	c = Chunk{Length: uint32(length >> 1), Frame: uint32(frame), Zero: length&1 == 1} //nolint:gosec // checked above
	if c.Zero {
		n, err = binary.ReadUvarint(in)
	} else {
		n, err = 1, binary.Read(in, binary.BigEndian, &c.SHA256)
	}
	if err != nil {
		return c, 0, errShort
	}
	return c, n, nil
}
