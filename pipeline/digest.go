package pipeline

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/host/leave"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// soon is how many bytes are read so soon that nobody is told.
const soon = 64 << 20

// digest returns artifacts with the digests of files that have none yet. A file that
// can't be read has none; so have those that are left when somebody stops the build.
func (r *buildRun) digest(ctx context.Context, artifacts []Artifact) []Artifact {
	digested := slices.Clone(artifacts)
	for i, a := range artifacts {
		digested[i].Files = slices.Clone(a.Files)
		for j, f := range a.Files {
			if f.SHA256 == "" && ctx.Err() == nil {
				digested[i].Files[j].SHA256 = r.digestFile(ctx, f)
			}
		}
	}
	return digested
}

// digestFile returns the digest of a file, or "".
func (r *buildRun) digestFile(ctx context.Context, f File) string {
	if f.Size < soon {
		read, _ := f.read.Of(f.Path, silent)
		return read.SHA256
	}
	name := filepath.Base(f.Path)
	phase := event.Start(sinkFunc(r.ui(r.build.builder).emit), "digest", name)
	sum, err := leave.Behind(ctx, 0, func() (string, error) {
		read, err := f.read.Of(f.Path, func(done, total int64) {
			if ctx.Err() == nil {
				phase.Progress(done, total, event.Bytes)
			}
		})
		return read.SHA256, err
	})
	_ = phase.End(event.OK, name, err)
	return sum
}
