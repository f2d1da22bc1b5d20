package unpack

import (
	"bytes"
	"os"
)

// hole is the least number of zeros that becomes a hole in a file, in bytes.
const hole = 64 << 10

var zeros [hole]byte

// sparse writes a file that has holes where its content is zeros: what an
// archive holds of a disk takes no more room than the disk did.
type sparse struct {
	file *os.File
	at   int64
	ends bool // in a hole
}

func (s *sparse) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		piece := p[written:min(written+hole, len(p))]
		if s.ends = bytes.Equal(piece, zeros[:len(piece)]); !s.ends {
			if _, err := s.file.WriteAt(piece, s.at); err != nil {
				return written, err
			}
		}
		s.at += int64(len(piece))
		written += len(piece)
	}
	return written, nil
}

// end gives the file its length where a hole is its end.
func (s *sparse) end() error {
	if !s.ends {
		return nil
	}
	return s.file.Truncate(s.at)
}
