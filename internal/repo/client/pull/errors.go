package pull

import (
	"fmt"
	"syscall"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// SpaceError tells that the disk has no room. It is [syscall.ENOSPC].
type SpaceError struct {
	Dir    string
	Needed int64 // bytes; 0: it filled up in the middle
	Free   int64 // bytes
}

func (e *SpaceError) Error() string {
	if e.Needed == 0 {
		return e.Dir + ": the disk is full"
	}
	return fmt.Sprintf("%s: %s are needed, and %s are free", e.Dir, bytesize.Of(e.Needed), bytesize.Of(e.Free))
}

// Fault implements [fault.Reporter].
func (e *SpaceError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.Space, Try: fault.Retry(fault.CollectGarbage, fault.OtherDisk)}
}

// Is reports whether target is [syscall.ENOSPC].
func (e *SpaceError) Is(target error) bool { return target == syscall.ENOSPC }

// ChunkError tells that a server sends a chunk that is not what the index
// says. It is [chunk.ErrContent].
type ChunkError struct {
	Number, Of int
	URL        string
	Tries      int
	Err        error
}

func (e *ChunkError) Error() string {
	return fmt.Sprintf("chunk %d of %d is not what the index says (tried %d times)", e.Number, e.Of, e.Tries)
}

func (e *ChunkError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *ChunkError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Where: e.URL, Code: fault.Verify, Try: fault.Retry(fault.NoProxy, fault.OtherServer)}
}

// DigestError tells that a whole file is not what it should be. It is
// [chunk.ErrContent].
type DigestError struct {
	What      string // a path or URL
	Got, Want string // SHA-256
	err       error
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("%s has the sha256 %s, not %s", e.What, e.Got, e.Want)
}

func (e *DigestError) Unwrap() error { return e.err }

// Fault implements [fault.Reporter].
func (e *DigestError) Fault() fault.Report {
	return fault.Report{
		What: "the file is not what was signed", Where: e.Error(), Code: fault.Verify,
		Try: fault.Retry(fault.NoProxy, fault.OtherServer),
	}
}
