package repository

import (
	"bytes"
	"context"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/catalog"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// PagesError says that the signed state of a repository is complete but what
// people and scripts see of it is that of before.
type PagesError struct{ Err error }

func (e *PagesError) Error() string { return "writing the pages: " + e.Err.Error() }

func (e *PagesError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *PagesError) Fault() fault.Report {
	r := fault.Of(e.Err)
	r.Kept = "the channel has moved; the same command again writes the pages"
	return r
}

// writePages writes what people and scripts read that trust the web server:
// the pages, channels.json, the public keys. The same state gives the same
// files, and those that are there are not written again.
func (r *Repository) writePages(ctx context.Context, now picture, known library) error {
	if now.notes.said.PublicURL == "" {
		r.Sink.Emit(event.Event{Type: event.Warning, Text: "no public URL is known, so the pages have no commands and the feeds no absolute URLs; set it once with --public-url"})
	}
	phase := event.Start(r.Sink, "page", "")
	n, err := r.pages(ctx, now, known)
	if err != nil {
		err = &PagesError{Err: err}
	}
	return phase.End(event.OK, fmt.Sprintf("%d files", n), err)
}

// warnOfModes warns of files that a web server may be unable to read.
func (r *Repository) warnOfModes(paths []string) {
	path, mode := r.store.Private(append(paths, tuf.Timestamp, layout.VersionsDir))
	if path == "" {
		return
	}
	text := fmt.Sprintf("other users of this host can't read %s (mode %04o), and a web server may be one; if that is not meant: umask 022, and chmod -R go+rX %s", path, mode, r.Location())
	r.Sink.Emit(event.Event{Type: event.Warning, Text: text})
}

func (r *Repository) pages(ctx context.Context, now picture, known library) (int, error) {
	known, err := r.read(ctx, now.State, known)
	if err != nil {
		return 0, err
	}
	offered, err := r.catalog(now, known)
	if err != nil {
		return 0, err
	}
	key, err := r.ring.MinisignPublic()
	if err != nil {
		return 0, err
	}
	_, root := now.Root()
	index, err := offered.Encode()
	if err != nil {
		return 0, err
	}
	files := []catalog.File{
		{Path: layout.MinisignFile, Content: key}, {Path: layout.RootFile, Content: root}, {Path: layout.ChannelsFile, Content: index},
	}
	if r.shot.png != nil {
		files = append(files, catalog.File{Path: layout.ScreenshotFile, Content: r.shot.png})
	}
	news, err := r.news(ctx, now.State, known)
	if err != nil {
		return 0, err
	}
	said := now.notes.said
	pages, err := catalog.Render(offered, catalog.Options{
		BaseURL: said.PublicURL, PublicKey: lastLine(key), Identity: manifest.Digest(now.FirstRoot())[:16], RootSHA256: manifest.Digest(root), Changes: news,
		Issues: said.Issues, Publisher: said.Publisher, Screenshot: said.Screenshot,
	})
	if err != nil {
		return 0, err
	}
	if _, err := writeNote(ctx, r.store, siteFile, now.notes.site, said); err != nil {
		return 0, err
	}
	var paths []string
	for _, file := range append(files, pages...) {
		paths = append(paths, file.Path)
		// What older publishers let through is not passed on.
		if file.Path == layout.ChannelsFile {
			file.Content = printable.JSON(file.Content)
		}
		if err := r.replace(ctx, file.Path, file.Content); err != nil {
			return 0, err
		}
	}
	r.warnOfModes(paths)
	return len(files) + len(pages), nil
}

// lastLine returns the key itself of a minisign.pub.
func lastLine(key []byte) string {
	lines := bytes.Split(bytes.TrimSpace(key), []byte("\n"))
	return string(lines[len(lines)-1])
}

// catalog returns what pages and scripts are told of a repository.
func (r *Repository) catalog(now picture, known library) (layout.Catalog, error) {
	c := layout.Catalog{
		Schema: layout.Schema, Product: now.notes.said.Product, Updated: now.Expires().Add(-r.policy.Timestamp).UTC(),
		Versions: known.versions(), Withdrawn: now.notes.stones.value, Nights: now.notes.nights.value,
	}
	for _, name := range now.Channels() {
		channel, there, err := now.Channel(name)
		if err != nil {
			return c, err
		}
		if there {
			c.Channels = append(c.Channels, channel)
		}
	}
	return c, nil
}
