package pull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/sparse"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Format is a form in which a disk can leave the store.
type Format string

// The formats. VMDK is stream-optimized, for VirtualBox and VMware.
const (
	Raw   Format = "raw"
	QCOW2 Format = "qcow2"
	VMDK  Format = "vmdk"
)

// Formats lists all formats.
var Formats = []Format{Raw, QCOW2, VMDK}

// PhaseExport is the phase of [Export].
const PhaseExport = "export"

// Export makes target, in a format, from the raw disk at path. A full disk
// gives a [*SpaceError].
func Export(ctx context.Context, path string, format Format, target string, sink event.Sink) error {
	write := map[Format]func(context.Context, string, string, *event.Phase) error{
		Raw: exportRaw, QCOW2: exportQCOW2, VMDK: exportVMDK,
	}[format]
	if write == nil {
		return fmt.Errorf("%q is not a disk format: %q", format, Formats)
	}
	return phase(sink, PhaseExport, target, func(p *event.Phase) (string, error) {
		lock := flock.New(target+LockSuffix, flock.SetPermissions(0o644))
		if err := acquire(ctx, lock, p.Say); err != nil {
			return "", fmt.Errorf("locking %s: %w", target, err)
		}
		defer func() { _ = errors.Join(os.Remove(lock.Path()), lock.Close()) }()
		temporary := target + PartialSuffix
		err := write(ctx, path, temporary, p)
		if err == nil {
			err = durable.Sync(temporary)
		}
		if err != nil {
			return "", errors.Join(exportError(target, err), os.RemoveAll(temporary))
		}
		return target, durable.Rename(temporary, target)
	})
}

// exportError says it if err is of a full disk.
func exportError(target string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return &SpaceError{Dir: filepath.Dir(target), Export: true}
	}
	return err
}

func exportQCOW2(ctx context.Context, path, target string, p *event.Phase) error {
	c := qemuimg.Conversion{Source: path, SourceFormat: "raw", Target: target, Compressed: true}
	return qemuimg.Convert(ctx, c, permille(p))
}

func exportVMDK(ctx context.Context, path, target string, p *event.Phase) error {
	c := qemuimg.Conversion{Source: path, SourceFormat: "raw", Target: target, Subformat: "streamOptimized", TargetFormat: "vmdk"}
	return qemuimg.Convert(ctx, c, permille(p))
}

func permille(p *event.Phase) func(int64) {
	return func(done int64) { p.Progress(done, 1000, event.Permille) }
}

func exportRaw(ctx context.Context, path, target string, p *event.Phase) error {
	source, err := regular.Open(path)
	if err != nil {
		return fmt.Errorf("reading a disk: %w", err)
	}
	defer func() { _ = source.Close() }()
	info, err := source.Stat()
	if err != nil {
		return fmt.Errorf("reading a disk: %w", err)
	}
	out, err := os.Create(target)
	if err != nil {
		return fmt.Errorf("writing a disk: %w", err)
	}
	err = sparse.Copy(ctx, out, source, info.Size(), func(done int64) { p.Progress(done, info.Size(), event.Bytes) })
	return errors.Join(err, out.Close())
}
