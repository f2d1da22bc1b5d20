package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Reading is what was found when a file was read, with what the file was like
// just before. Who gets a reading need not read a large file that is still the
// same. The zero value is of no file.
type Reading struct {
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Stamp  Stamp  `json:"stamp"`
}

// Stamp changes with a file's content, and stays when a directory above the
// file is renamed. Nobody can set its time of change.
type Stamp struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Changed  int64  `json:"changed"`  // nanoseconds since 1970
}

// Read reads a file. It tells progress how many bytes it has read, from time to
// time.
func Read(path string, progress func(done, total int64)) (Reading, error) {
	f, err := regular.Open(path)
	if err != nil {
		return Reading{}, fmt.Errorf("computing a digest: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Reading{}, fmt.Errorf("computing a digest: %w", err)
	}
	found := Reading{Stamp: stampOf(info)}
	h := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		n, err := f.Read(buffer)
		_, _ = h.Write(buffer[:n])
		found.Size += int64(n)
		progress(found.Size, info.Size())
		if err == io.EOF {
			found.SHA256 = hex.EncodeToString(h.Sum(nil))
			return found, nil
		}
		if err != nil {
			return Reading{}, fmt.Errorf("computing the digest of %s: %w", path, err)
		}
	}
}

// Of returns r if it is of the file at path as the file is now, and else reads
// the file.
func (r Reading) Of(path string, progress func(done, total int64)) (Reading, error) {
	info, err := os.Lstat(path)
	if err == nil && r.Stamp != (Stamp{}) && info.Mode().IsRegular() && stampOf(info) == r.Stamp {
		return r, nil
	}
	return Read(path, progress)
}

// stampOf is zero where the system does not tell enough.
func stampOf(info fs.FileInfo) Stamp {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Stamp{}
	}
	return Stamp{
		Device: stat.Dev, Inode: stat.Ino, Size: stat.Size,
		Modified: stat.Mtim.Nano(), Changed: stat.Ctim.Nano(),
	}
}

// Text returns the reading in the form that [ParseReading] reads.
func (r Reading) Text() string {
	text, err := json.Marshal(r)
	if err != nil {
		return "" // the file is read again
	}
	return string(text)
}

// ParseReading returns the reading in a text; the zero value if it is none.
func ParseReading(text string) Reading {
	var r Reading
	if json.Unmarshal([]byte(text), &r) != nil {
		return Reading{}
	}
	return r
}
