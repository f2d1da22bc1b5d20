package chunk

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// IndexWriter writes a .chunks file, chunk by chunk. Whether that is an index
// shows when it is read.
type IndexWriter struct {
	file  *os.File
	out   *bufio.Writer
	name  string
	start int64 // byte at which the chunks begin
	bytes int64 // that are written
	count uint32
	last  Chunk // not written yet
	times uint64
}

// NewIndexWriter begins an index of the frames in the file of that name. The
// .chunks file is empty, and stays the caller's.
func NewIndexWriter(file *os.File, name string) (*IndexWriter, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("writing an index: %w", err)
	}
	w := &IndexWriter{file: file, out: bufio.NewWriter(file), name: name}
	// What is in the header is known in the end.
	head, err := w.header(File{}, File{})
	if err != nil {
		return nil, err
	}
	w.start = int64(len(head))
	return w, w.write(head)
}

// Add adds the next chunk of the disk.
func (w *IndexWriter) Add(c Chunk) error {
	w.count++
	if w.times > 0 && c.Zero && c == w.last {
		w.times++
		return nil
	}
	err := w.flush()
	w.last, w.times = c, 1
	return err
}

// flush writes the last chunk.
func (w *IndexWriter) flush() error {
	if w.times == 0 {
		return nil
	}
	length := uint64(w.last.Length) << 1
	if w.last.Zero {
		length |= 1
	}
	var out []byte
	out = binary.AppendUvarint(out, length)
	out = binary.AppendUvarint(out, uint64(w.last.Frame))
	if w.last.Zero {
		out = binary.AppendUvarint(out, w.times)
	} else {
		out = append(out, w.last.SHA256[:]...)
	}
	w.times = 0
	return w.write(out)
}

func (w *IndexWriter) write(p []byte) error {
	w.bytes += int64(len(p))
	if _, err := w.out.Write(p); err != nil {
		return fmt.Errorf("writing an index: %w", err)
	}
	return nil
}

// all returns what was added until now.
func (w *IndexWriter) all() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := errors.Join(w.flush(), w.out.Flush()); err != nil {
			yield(Entry{}, err)
			return
		}
		s := scan(w.file, mark{at: w.start}, w.bytes)
		for s.next.Number < int(w.count) {
			e, err := s.read()
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Finish completes the index.
func (w *IndexWriter) Finish(disk, frames File) error {
	head, err := w.header(disk, frames)
	if err := errors.Join(err, w.flush(), w.out.Flush()); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(head, 0); err != nil {
		return fmt.Errorf("writing an index: %w", err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(w.file, 0, w.bytes)); err != nil {
		return fmt.Errorf("writing an index: %w", err)
	}
	return errors.Join(w.write(hash.Sum(nil)), w.out.Flush())
}

func (w *IndexWriter) header(disk, frames File) ([]byte, error) {
	h := header{
		Magic: [8]byte([]byte(magic)), Format: format, Min: MinSize, Normal: NormalSize, Max: MaxSize,
		DiskSize: uint64(disk.Size), DiskDigest: disk.SHA256, //nolint:gosec // checked by who reads
		FramesSize: uint64(frames.Size), FramesDigest: frames.SHA256, //nolint:gosec // checked by who reads
		NameLength: uint8(len(w.name)), //nolint:gosec // checked before
	}
	out, err := binary.Append(nil, binary.BigEndian, h)
	if err != nil {
		return nil, fmt.Errorf("writing an index: %w", err)
	}
	return binary.BigEndian.AppendUint32(append(out, w.name...), w.count), nil
}
