package deliver

import (
	"context"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// DataOrder says what image of data to deliver: one without a system.
type DataOrder struct {
	Name   string // of the image; its disk is Name.qcow2
	Source string // path of a raw disk
	GOlr   manifest.GOlr
	Tool   manifest.Tool
}

// RunData delivers into out, which it commits. There is no boot test: data are tested with
// the systems that serve them.
func RunData(ctx context.Context, order DataOrder, out *outdir.Dir, sink event.Sink) (Delivery, error) {
	disk := out.Path(order.Name + ".qcow2")
	if err := pack(ctx, order.Source, "raw", disk, sink); err != nil {
		return Delivery{}, err
	}
	phase := event.Start(sink, "describe", "")
	delivery, err := order.describe(ctx, disk, out, phase)
	if err == nil {
		err = out.Commit()
	}
	return delivery, phase.End(event.OK, delivery.Dir, err)
}

func (o DataOrder) describe(ctx context.Context, path string, out *outdir.Dir, phase *event.Phase) (Delivery, error) {
	disk, read, err := describeDisk(ctx, path, phase)
	if err != nil {
		return Delivery{}, err
	}
	names, err := manifest.WriteData(out.Path(), manifest.Manifest{
		Name: o.Name, Variant: manifest.DataVariant, Created: time.Now(), Files: []manifest.File{disk}, GOlr: o.GOlr, Tool: o.Tool,
	})
	return delivered(out, disk, read, names), err
}
