package golr

import (
	"io/fs"
	"path/filepath"

	"github.com/docker/go-units"
)

// What an index needs, as measured in docs/measurements.md: with 7.7 GB of index and
// ten users, Solr holds some 550 MB. An exchange of data has two indices open.
const (
	leastHeap   = 512       // MiB
	mostHeap    = 31 * 1024 // above it, Java's pointers are twice as large
	heapStep    = 256
	perHeap     = 5    // bytes of index for one of heap
	besidesSolr = 1280 // MiB, for the system, Apache and AmiGO's workers
)

// Heap is the memory of Solr's Java that an index of so many bytes needs, in MiB.
func Heap(size int64) int {
	steps := (size>>20/perHeap + heapStep - 1) / heapStep
	return int(min(max(steps*heapStep, leastHeap), mostHeap))
}

// Machine is the memory of a machine, in MiB, whose Solr has so much. A part of it is
// for what the kernel keeps of the index.
func Machine(heap int) int { return heap*3/2 + besidesSolr }

// HeapMiB returns how much "512m" or "4g" is.
func HeapMiB(text string) int {
	size, err := units.RAMInBytes(text)
	if err != nil {
		return leastHeap
	}
	return int(size >> 20)
}

// sizeOf is how many bytes the files in dir have.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
