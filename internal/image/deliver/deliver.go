// Package deliver turns the disk of a finished machine into an image to give
// away: compact, checked, boot-tested, described. The image appears under its
// final name when all of that is done, and not before.
package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/arch"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/machine"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Hardware is what an image is tested on.
type Hardware struct {
	Arch        arch.Arch
	Accelerator qemu.Accelerator
	CPUs        int
	MemoryMiB   int
}

// Order says what to deliver.
type Order struct {
	Name         string // of the image; its disk is Name.qcow2
	Variant      boottest.Variant
	Source       string // path of a disk, which may have a backing file
	Format       string // of Source: "qcow2" or "raw"
	Data         string // path of a raw disk with the data, if they are not in the image
	Temporary    bool   // remove Source when the image is compared with it
	Machine      Hardware
	Firmwares    []qemu.Firmware // that the image is tested on
	Limits       machine.Limits
	KeepEvidence bool // of a test that was passed
	// Base tells what the disk was made from, as JSON; it goes into the manifest.
	Base   json.RawMessage
	Parent *manifest.Parent
	Tool   manifest.Tool
}

// Delivery is a delivered image.
type Delivery struct {
	Dir   string           // absolute
	Disk  string           // path of the qcow2 file
	Read  manifest.Reading // of the disk
	Files []string         // paths of all files
}

// EvidenceDir is what the directory of a boot test is called in an image's own.
const EvidenceDir = "boot-test"

// Run delivers into out, which it commits. When the image does not pass its
// test the evidence is moved beside the final directory; the error tells where.
func Run(ctx context.Context, order Order, out *outdir.Dir, sink event.Sink) (Delivery, error) {
	disk := out.Path(order.Name + ".qcow2")
	if err := pack(ctx, order.Source, order.Format, disk, sink); err != nil {
		return Delivery{}, err
	}
	if order.Temporary {
		if err := os.Remove(order.Source); err != nil {
			return Delivery{}, fmt.Errorf("removing a temporary disk: %w", err)
		}
	}
	kept := EvidencePlace(out)
	report, err := boottest.Run(ctx, order.test(disk, out, kept), sink)
	if err != nil {
		return Delivery{}, KeepEvidence(ctx, out, kept, err)
	}
	return order.finish(ctx, out, report, sink)
}

// pack writes a disk compact, and makes sure that the two are the same.
func pack(ctx context.Context, source, format, disk string, sink event.Sink) error {
	if err := compact(ctx, source, format, disk, sink); err != nil {
		return err
	}
	return check(ctx, source, format, disk, sink)
}

// compact writes the disk without what the guest has deleted, compressed.
func compact(ctx context.Context, source, format, disk string, sink event.Sink) error {
	phase := event.Start(sink, "compact", "qcow2, zstd")
	err := qemuimg.Convert(ctx, qemuimg.Conversion{Source: source, SourceFormat: format, Target: disk, Compressed: true},
		func(permille int64) { phase.Progress(permille, 1000, event.Permille) })
	if err != nil {
		return phase.End("", "", err)
	}
	info, err := os.Stat(disk)
	if err != nil {
		return phase.End("", "", fmt.Errorf("compacting: %w", err))
	}
	return phase.End(event.OK, bytesize.Of(info.Size()), nil)
}

func check(ctx context.Context, source, format, disk string, sink event.Sink) error {
	phase := event.Start(sink, "check", "")
	err := qemuimg.Check(ctx, disk)
	if err == nil {
		err = qemuimg.Compare(ctx, source, format, disk, "qcow2")
	}
	return phase.End(event.OK, "", err)
}

func (o Order) test(disk string, out *outdir.Dir, kept string) boottest.Spec {
	return boottest.Spec{
		Image: disk, Data: o.Data, Variant: o.Variant, Firmwares: o.Firmwares,
		Arch: o.Machine.Arch, Accelerator: o.Machine.Accelerator, CPUs: o.Machine.CPUs, MemoryMiB: o.Machine.MemoryMiB,
		Evidence: out.Path(EvidenceDir), Kept: kept, Limits: o.Limits,
	}
}

// finish describes the image and puts it in its final place.
func (o Order) finish(ctx context.Context, out *outdir.Dir, report boottest.Report, sink event.Sink) (Delivery, error) {
	phase := event.Start(sink, "describe", "")
	delivery, err := o.describe(ctx, out, report, phase)
	if err == nil && !o.KeepEvidence {
		err = os.RemoveAll(out.Path(EvidenceDir))
	}
	if err == nil {
		err = out.Commit()
	}
	return delivery, phase.End(event.OK, delivery.Dir, err)
}

func (o Order) describe(ctx context.Context, out *outdir.Dir, report boottest.Report, phase *event.Phase) (Delivery, error) {
	disk, read, err := describeDisk(ctx, out.Path(o.Name+".qcow2"), phase)
	if err != nil {
		return Delivery{}, err
	}
	witness, err := keepEvidence(out)
	if err != nil {
		return Delivery{}, err
	}
	fixes, err := keepFixes(out, report.Facts.Changelogs)
	if err != nil {
		return Delivery{}, err
	}
	commits, err := keepCommits(out, report.Facts.Commits)
	if err != nil {
		return Delivery{}, err
	}
	witness = slices.Concat(witness, fixes, commits)
	names, err := manifest.Write(out.Path(), o.manifest(append([]manifest.File{disk}, witness...), report), report.Facts.Packages)
	if err != nil {
		return Delivery{}, err
	}
	for _, file := range witness {
		names = append(names, file.Name)
	}
	return delivered(out, disk, read, names), nil
}

// delivered is what lies in the final directory: a disk and other files.
func delivered(out *outdir.Dir, disk manifest.File, read manifest.Reading, others []string) Delivery {
	delivery := Delivery{Dir: out.Final(), Disk: filepath.Join(out.Final(), disk.Name), Read: read}
	for _, name := range append([]string{disk.Name}, others...) {
		delivery.Files = append(delivery.Files, filepath.Join(out.Final(), name))
	}
	return delivery
}

// describeDisk reads the disk, after everything that might have changed it.
// Whoever gets the reading need not read it again while it is the same.
func describeDisk(ctx context.Context, path string, phase *event.Phase) (manifest.File, manifest.Reading, error) {
	info, err := qemuimg.Inspect(ctx, path, "qcow2")
	if err != nil {
		return manifest.File{}, manifest.Reading{}, err
	}
	read, err := manifest.Read(path, func(done, total int64) { phase.Progress(done, total, event.Bytes) })
	return manifest.File{
		Name: filepath.Base(path), Role: manifest.Disk, Format: info.Format,
		Size: read.Size, VirtualSize: info.VirtualSize, SHA256: read.SHA256,
	}, read, err
}

func (o Order) manifest(files []manifest.File, report boottest.Report) manifest.Manifest {
	about := report.Facts.About
	return manifest.Manifest{
		Name: o.Name, Variant: string(o.Variant), Version: about.AmiGO.Version, Created: time.Now(),
		Files: files, Parent: o.Parent, Base: o.Base,
		AmiGO:    manifest.AmiGO{Version: about.AmiGO.Version, Commit: about.AmiGO.Commit, Source: address.Bare(about.AmiGO.Source), Serve: about.Serve},
		GOlr:     golr(about.GOlr),
		System:   manifest.System{Name: report.Facts.System, Kernel: report.Facts.Kernel, Architecture: o.Machine.Arch.Name},
		BootTest: bootTest(o, report),
		Tool:     o.Tool,
	}
}

// golr is what an image says of its data. Older ones do not say that they are an example.
func golr(told manifest.GOlr) manifest.GOlr {
	told.Example = manifest.IsExample(told.DOI)
	return told
}

func bootTest(o Order, report boottest.Report) manifest.BootTest {
	test := manifest.BootTest{Accelerator: string(o.Machine.Accelerator), MemoryMiB: o.Machine.MemoryMiB, Checks: len(report.Checks), Boots: report.Boots}
	if report.FirstTry != nil {
		test.FirstTry = report.FirstTry.Why
	}
	return test
}
