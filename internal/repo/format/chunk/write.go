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
	"sync"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
)

// Write cuts a raw disk and writes its frames to out, which is to become the
// file of that name, and its index to the empty .chunks file. It uses all cores
// and a few MiB of memory, however large the disk is, and is quick over holes.
// It calls progress with how many bytes of the disk are read, and of how many.
// The index reads from the .chunks file, which it closes when it is closed.
func Write(ctx context.Context, disk *os.File, name string, out io.Writer, chunks *os.File, progress func(done, total int64)) (*Index, error) {
	info, err := disk.Stat()
	if err != nil {
		return nil, fmt.Errorf("cutting a disk: %w", err)
	}
	w, err := newWriter(disk, info.Size(), progress)
	if err != nil {
		return nil, err
	}
	if w.index, err = NewIndexWriter(chunks, name); err != nil {
		return nil, err
	}
	if err := w.write(ctx, out); err != nil {
		return nil, fmt.Errorf("cutting %s: %w", disk.Name(), err)
	}
	return ReadFile(chunks)
}

// writer is a disk on its way to frames.
type writer struct {
	disk     *os.File
	size     int64
	holes    *sparse.Scanner
	cutter   *cutter
	window   []byte
	progress func(done, total int64)

	offset int64 // what is cut
	count  int   // chunks that are cut
	batch  int   // chunks that may still be cut before the frames are flushed
	hashed chan []byte

	mu    sync.Mutex
	cut   []Chunk // whose frames are not written yet
	index *IndexWriter
	err   error // of the index
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

func (w *writer) write(ctx context.Context, out io.Writer) error {
	whole := make(chan Digest)
	go func() { whole <- digest(w.hashed) }()
	file := newCounter(out)
	err := w.writeFrames(ctx, file)
	close(w.hashed)
	disk := File{Size: w.size, SHA256: <-whole}
	if err == nil {
		err = writeTable(file, w.index)
	}
	if err := errors.Join(err, file.buffer.Flush()); err != nil {
		return err
	}
	return w.index.Finish(disk, file.result())
}

// batch is how many frames one writer of frames gets: it remembers all that it
// wrote.
const batch = 4096

func (w *writer) writeFrames(ctx context.Context, out io.Writer) error {
	encoder, err := newEncoder(w.cutter.empty)
	if err != nil {
		return err
	}
	defer func() { _ = encoder.zstd.Close() }()
	for w.offset < w.size {
		frames, err := seekable.NewWriter(out, encoder)
		if err != nil {
			return err
		}
		w.batch = batch
		err = frames.WriteMany(ctx, w.next, seekable.WithWriteCallback(w.framed))
		if err := errors.Join(err, w.err); err != nil {
			return err
		}
	}
	return nil
}

// next cuts the next chunk off the disk. It returns nil at the end of the disk
// or of a batch.
func (w *writer) next() ([]byte, error) {
	if w.offset == w.size || w.batch == 0 {
		return nil, nil
	}
	if w.count == MaxChunks {
		return nil, fmt.Errorf("it is too large: the first %d GiB are %d chunks, and more are not possible", w.offset>>30, MaxChunks)
	}
	content, err := w.chunk()
	if err != nil {
		return nil, err
	}
	c := Chunk{Length: uint32(len(content)), Zero: isZero(content)} //nolint:gosec // at most MaxSize
	if !c.Zero {
		c.SHA256 = sha256.Sum256(content)
	}
	w.mu.Lock()
	w.cut = append(w.cut, c)
	w.mu.Unlock()
	w.count, w.batch = w.count+1, w.batch-1
	w.offset += int64(len(content))
	w.hashed <- content
	w.progress(w.offset, w.size)
	return content, nil
}

// framed puts the chunk whose frame was written into the index.
func (w *writer) framed(frame seekable.FrameOffsetEntry) {
	w.mu.Lock()
	c := w.cut[0]
	w.cut = w.cut[1:]
	w.mu.Unlock()
	c.Frame = frame.CompressedSize
	w.err = errors.Join(w.err, w.index.Add(c))
}

// chunk returns the content of the next chunk, which others may keep. Where the
// next MaxSize bytes are a hole it does what it would do with so many zeros.
func (w *writer) chunk() ([]byte, error) {
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
