package amigo

import (
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/gosite"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/loader"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// dataset is what is known of the data before they are there.
type dataset struct {
	release   release.Release
	published *gosite.Release // nil: GO's site does not have it
	documents []string        // files of documents that were made here, or nil
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

// load makes documents of ontologies and annotations, if they are given. What those
// say of themselves is the release, unless files about one are given.
func (p *provision) load(ctx context.Context, d dataset, c code) (dataset, error) {
	if len(p.GOlr.Load.Ontologies) == 0 {
		return d, nil
	}
	phase := event.Start(p.sink, "documents", "of ontologies and annotations")
	in := p.GOlr.Load
	in.Schema = c.schemaFile()
	files, report, cached, err := loader.Get(ctx, p.cache, in, func(done int64) { phase.Progress(done, 1000, event.Permille) })
	if err != nil {
		return d, phase.End(event.OK, "", err)
	}
	for _, count := range report.Skipped.Counts() {
		phase.Say("left out: " + count.String())
	}
	for _, count := range report.Noted.Counts() {
		phase.Say("noted: " + count.String())
	}
	d.documents = files
	if p.TimestampLog == "" {
		d.release, err = release.Of(report.Log(), d.release.Record())
	}
	return d, phase.End(status(cached), report.String(), err)
}
