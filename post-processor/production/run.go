package production

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
	"github.com/geneontology/packer-plugin-amigo/internal/image/harden"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/image/roottree"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemu"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
	"github.com/geneontology/packer-plugin-amigo/post-processor/internal/image"
)

// run is the making of one image.
type run struct {
	config  *Config
	input   image.Input
	out     *outdir.Dir
	machine deliver.Hardware
	sink    event.Sink
}

// make changes a copy, so that the input stays as it is, and delivers that.
func (r *run) make(ctx context.Context) (deliver.Delivery, error) {
	firmwares, err := image.Firmwares(r.config.Config, r.input.Arch)
	if err != nil {
		return deliver.Delivery{}, err
	}
	parent, err := r.parent()
	if err != nil {
		return deliver.Delivery{}, err
	}
	hardened, err := r.harden(ctx)
	if err != nil {
		return deliver.Delivery{}, deliver.KeepEvidence(ctx, r.out, deliver.EvidencePlace(r.out), err)
	}
	tool, err := image.Tool(ctx, r.input.Arch)
	if err != nil {
		return deliver.Delivery{}, err
	}
	return deliver.Run(ctx, deliver.Order{
		Name: r.config.ImageName, Variant: boottest.Production, Source: hardened.path, Format: hardened.format, Data: r.input.Data.Path, Temporary: true,
		Machine: r.machine, Firmwares: firmwares, KeepEvidence: r.config.KeepEvidence,
		Base: r.input.Base, Parent: parent, Tool: tool,
	}, r.out, r.sink)
}

// changed is a file with the changed disk.
type changed struct{ path, format string }

// harden makes the changes where that is possible, on this host rather than in a machine.
func (r *run) harden(ctx context.Context) (changed, error) {
	if r.config.HardenOn != guest {
		made := changed{r.out.Path("disk.raw"), "raw"}
		err := harden.Disk(ctx, r.input.Disk, r.machine.Arch, made.path, r.config.settings(), r.sink)
		unsuitable := (*roottree.UnsuitableError)(nil)
		if !errors.As(err, &unsuitable) {
			return made, err
		}
		if r.config.HardenOn == host {
			return changed{}, field.Errorf("harden_on", "%q is not possible: %w", host, err)
		}
		r.sink.Emit(event.Event{Type: event.Message, Text: fmt.Sprintf("hardened in a machine, which is slow: %v", err)})
	}
	made := changed{r.out.Path("overlay.qcow2"), "qcow2"}
	if err := qemuimg.Overlay(ctx, r.input.Disk, "qcow2", made.path); err != nil {
		return changed{}, err
	}
	return made, r.hardenInGuest(ctx, made.path)
}

func (r *run) hardenInGuest(ctx context.Context, overlay string) error {
	evidence := r.out.Path(deliver.EvidenceDir)
	if err := os.MkdirAll(evidence, 0o755); err != nil {
		return fmt.Errorf("making a directory for evidence: %w", err)
	}
	disks := []qemu.Disk{{Path: overlay, Format: "qcow2", Scratch: true}}
	if data := r.input.Data.Path; data != "" {
		disks = append(disks, qemu.Disk{Path: data, Format: "raw", ReadOnly: true})
	}
	return harden.Image(ctx, qemu.Options{
		Arch:        r.machine.Arch,
		Name:        r.config.ImageName,
		Accelerator: r.machine.Accelerator,
		CPUs:        r.machine.CPUs,
		MemoryMiB:   r.machine.MemoryMiB,
		Disks:       disks,
		Console:     filepath.Join(evidence, "harden-console.log"),
	}, r.config.settings(), r.sink)
}

// parent names the input: its digest, and its variant if a manifest beside it
// tells that. A disk that has changed since it was described is read again, and
// is not what its manifest says.
func (r *run) parent() (*manifest.Parent, error) {
	read, err := r.input.Read.Of(r.input.Disk, func(int64, int64) {})
	if err != nil {
		return nil, err
	}
	digest := read.SHA256
	m, err := manifest.ReadFile(filepath.Join(filepath.Dir(r.input.Disk), manifest.FileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &manifest.Parent{SHA256: digest}, nil
	case err != nil:
		return nil, err
	}
	disk, err := m.Disk()
	if err != nil {
		return nil, err
	}
	if disk.SHA256 != digest {
		return nil, fmt.Errorf("%s is not the disk that its manifest describes (sha256 %s, not %s)", r.input.Disk, digest, disk.SHA256)
	}
	return &manifest.Parent{Variant: m.Variant, SHA256: digest}, nil
}
