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
	Export bool  // what is full is where a person wants the disk, not the store
}

func (e *SpaceError) Error() string {
	if e.Needed == 0 {
		return e.Dir + ": the disk is full"
	}
	return fmt.Sprintf("%s: %s are needed, and %s are free", e.Dir, bytesize.Of(e.Needed), bytesize.Of(e.Free))
}

// Fault implements [fault.Reporter].
func (e *SpaceError) Fault() fault.Report {
	r := fault.Report{What: e.Error(), Code: fault.Space, Try: fault.Retry(fault.CollectGarbage, fault.OtherDisk)}
	if e.Export {
		r.Try = fault.Retry(fault.FreeSpace, fault.OtherOutput)
	}
	return r
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

// DiskError tells that a disk does not hold what was written to it. It is
// [chunk.ErrContent].
type DiskError struct {
	File   string
	Offset int64 // of what is wrong, in bytes
	Err    error
}

func (e *DiskError) Error() string { return fmt.Sprintf("%s, at byte %d: %v", e.File, e.Offset, e.Err) }

func (e *DiskError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *DiskError) Fault() fault.Report {
	return fault.Report{
		What: "the disk does not hold what was written to it", Where: e.Error(), Code: fault.Verify,
		Try: fault.Retry(),
	}
}
