package amigo

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/gosite"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// dataset is what is known of the data before they are there.
type dataset struct {
	release   release.Release
	published *gosite.Release // nil: GO's site does not have it
}

// dataset reads what the release is, on this host or where GO publishes it.
func (c Config) dataset(ctx context.Context) (dataset, error) {
	if c.GOlr.Release == "" {
		read, err := release.Read(c.TimestampLog, c.ReleaseDOI)
		return dataset{release: read}, err
	}
	published, err := gosite.Find(ctx, c.GOlr.Release)
	if err != nil {
		return dataset{}, err
	}
	read, err := release.Of(published.Log, published.Record)
	return dataset{release: read, published: &published}, err
}

// digest is that of what GO's site has, or "".
func (d dataset) digest() string {
	if d.published == nil {
		return ""
	}
	return d.published.Digest()
}

// bring returns the directory of the index of a release.
func (d dataset) bring(ctx context.Context, c cache.Dir, phase *event.Phase) (string, error) {
	phase.Say(fmt.Sprintf("the Gene Ontology's release of %s, %s to load", d.published.Date, bytesize.Of(d.published.Size)))
	return gosite.Index(ctx, c, *d.published, func(done, total int64) { phase.Progress(done, total, event.Bytes) })
}
