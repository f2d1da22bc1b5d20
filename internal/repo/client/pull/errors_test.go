package pull

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// What is full when a disk leaves the store is not the store.
func TestExportSaysWhichDiskIsFull(t *testing.T) {
	r := fault.Of(exportError("/d/x.qcow2", &fs.PathError{Op: "write", Path: "/d/x.qcow2", Err: syscall.ENOSPC}))
	if r.Code != fault.Space || !slices.Contains(r.Try.Means, fault.OtherOutput) || slices.Contains(r.Try.Means, fault.CollectGarbage) {
		t.Errorf("%+v", r)
	}
	if other := errors.New("other"); !errors.Is(exportError("/d/x.qcow2", other), other) {
		t.Error("another error is lost")
	}
}
