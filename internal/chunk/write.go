package chunk

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"

	"github.com/geneontology/packer-plugin-amigo/internal/sparse"
)

// Write cuts a raw disk and writes its frames to out, which is to become the
// file of that name. It uses all cores and a few MiB of memory, and is quick
// over holes. It calls progress with how many bytes of the disk are read, and
// of how many.
func Write(ctx context.Context, disk *os.File, name string, out io.Writer, progress func(done, total int64)) (Index, error) {
	info, err := disk.Stat()
	if err != nil {
		return Index{}, fmt.Errorf("cutting a disk: %w", err)
	}
	w, err := newWriter(disk, info.Size(), progress)
	if err != nil {
		return Index{}, err
	}
	index, err := w.write(ctx, out)
	if err != nil {
		return Index{}, fmt.Errorf("cutting %s: %w", disk.Name(), err)
	}
	index.Frames.Name = name
	return index, index.check()
}

// writer is a disk on its way to frames.
type writer struct {
	disk     *os.File
	size     int64
	holes    *sparse.Scanner
	cutter   *cutter
	window   []byte
	progress func(done, total int64)

	offset int64   // what is cut
	chunks []Chunk // without the length of their frames
	frames []uint32
	hashed chan []byte
}

func newWriter(disk *os.File, size int64, progress func(done, total int64)) (*writer, error) {
	cutter, err := newCutter()
	if err != nil {
		return nil, err
	}
	return &writer{
		disk: disk, size: size, holes: sparse.NewScanner(disk, size),
		cutter: cutter, window: make([]byte, MaxSize), progress: progress,
		hashed: make(chan []byte, 8),
	}, nil
}

func (w *writer) write(ctx context.Context, out io.Writer) (Index, error) {
	whole := make(chan Digest)
	go func() { whole <- digest(w.hashed) }()
	file := newCounter(out)
	err := w.writeFrames(ctx, file)
	close(w.hashed)
	index := Index{Disk: File{Size: w.size, SHA256: <-whole}, Frames: file.result(), Chunks: w.chunks}
	if err != nil {
		return Index{}, err
	}
	for i, length := range w.frames {
		index.Chunks[i].Frame = length
	}
	return index, nil
}

func (w *writer) writeFrames(ctx context.Context, out *counter) error {
	encoder, err := newEncoder(w.cutter.empty)
	if err != nil {
		return err
	}
	defer func() { _ = encoder.zstd.Close() }()
	frames, err := seekable.NewWriter(out, encoder)
	if err != nil {
		return err
	}
	err = frames.WriteMany(ctx, w.next, seekable.WithWriteCallback(func(frame seekable.FrameOffsetEntry) {
		w.frames = append(w.frames, frame.CompressedSize)
	}))
	return errors.Join(err, frames.Close(), out.buffer.Flush())
}

// next cuts the next chunk off the disk. It returns nil at its end.
func (w *writer) next() ([]byte, error) {
	if w.offset == w.size {
		return nil, nil
	}
	content, err := w.cut()
	if err != nil {
		return nil, err
	}
	c := Chunk{Length: uint32(len(content)), Zero: isZero(content)} //nolint:gosec // at most MaxSize
	if !c.Zero {
		c.SHA256 = sha256.Sum256(content)
	}
	w.chunks = append(w.chunks, c)
	w.offset += int64(len(content))
	w.hashed <- content
	w.progress(w.offset, w.size)
	return content, nil
}

// cut returns the content of the next chunk, which others may keep. Where the
// next MaxSize bytes are a hole it does what it would do with so many zeros.
func (w *writer) cut() ([]byte, error) {
	length := min(MaxSize, w.size-w.offset)
	empty, err := w.holes.Empty(w.offset, length)
	if err != nil {
		return nil, err
	}
	if empty && length == MaxSize {
		return zeros[:w.cutter.empty], nil
	}
	window := w.window[:length]
	if _, err := w.disk.ReadAt(window, w.offset); err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	end, err := w.cutter.cut(window)
	if err != nil {
		return nil, err
	}
	if isZero(window[:end]) {
		return zeros[:end], nil
	}
	return append([]byte(nil), window[:end]...), nil
}

// encoder makes frames. The frame of what disks have most of, it makes once.
type encoder struct {
	zstd  *zstd.Encoder
	empty []byte // length of the most frequent chunk of zeros
	frame []byte // its frame
}

func newEncoder(empty int) (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true), zstd.WithWindowSize(MaxSize),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("making an encoder: %w", err)
	}
	return &encoder{zstd: z, empty: zeros[:empty], frame: z.EncodeAll(zeros[:empty], nil)}, nil
}

// EncodeAll appends the frame of content to out.
func (e *encoder) EncodeAll(content, out []byte) []byte {
	if len(content) == len(e.empty) && &content[0] == &e.empty[0] {
		return append(out, e.frame...)
	}
	return e.zstd.EncodeAll(content, out)
}

// counter is a file as it is written.
type counter struct {
	buffer *bufio.Writer
	hash   hash.Hash
	size   int64
}

func newCounter(out io.Writer) *counter {
	return &counter{buffer: bufio.NewWriterSize(out, 1<<20), hash: sha256.New()}
}

func (c *counter) Write(p []byte) (int, error) {
	_, _ = c.hash.Write(p)
	c.size += int64(len(p))
	return c.buffer.Write(p)
}

func (c *counter) result() File { return File{Size: c.size, SHA256: Digest(c.hash.Sum(nil))} }

// digest returns the digest of all that comes.
func digest(parts <-chan []byte) Digest {
	h := sha256.New()
	for part := range parts {
		_, _ = h.Write(part)
	}
	return Digest(h.Sum(nil))
}
