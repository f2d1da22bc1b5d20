package repository

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/catalog"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
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
func (r *Repository) writePages(ctx context.Context, state tuf.State) error {
	if r.PublicURL == "" {
		r.Sink.Emit(event.Event{Type: event.Warning, Text: "no public URL is known, so the pages have no lines to paste and the feeds no whole addresses; set it once with --public-url"})
	}
	phase := event.Start(r.Sink, "page", "")
	n, err := r.pages(ctx, state)
	if err != nil {
		err = &PagesError{Err: err}
	}
	return phase.End(event.OK, fmt.Sprintf("%d files", n), err)
}

// site is what pages say that is not in the metadata. Who promotes a version
// need not know what its publisher said.
type site struct {
	Product   string `json:"product"`
	PublicURL string `json:"public_url,omitempty"`
	Issues    string `json:"issues,omitempty"`
}

// loadSite takes what was said before in the place of what is not said now.
func (r *Repository) loadSite(ctx context.Context) error {
	var known site
	err := r.readState(ctx, siteFile, &known)
	r.Product = cmp.Or(r.Product, known.Product, "amigo")
	r.PublicURL = cmp.Or(r.PublicURL, known.PublicURL)
	r.Issues = cmp.Or(r.Issues, known.Issues)
	return err
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

func (r *Repository) pages(ctx context.Context, state tuf.State) (int, error) {
	known, err := r.catalog(ctx, state)
	if err != nil {
		return 0, err
	}
	key, err := r.ring.MinisignPublic()
	if err != nil {
		return 0, err
	}
	_, root := state.Root()
	index, err := known.Encode()
	if err != nil {
		return 0, err
	}
	files := []catalog.File{
		{Path: layout.MinisignFile, Content: key}, {Path: layout.RootFile, Content: root}, {Path: layout.ChannelsFile, Content: index},
	}
	news, err := r.allNews(ctx, state, known.Versions)
	if err != nil {
		return 0, err
	}
	pages, err := catalog.Render(known, catalog.Options{
		BaseURL: address.Bare(r.PublicURL), PublicKey: lastLine(key), Identity: manifest.Digest(state.FirstRoot())[:16], RootSHA256: manifest.Digest(root), Changes: news, Issues: r.Issues,
	})
	if err != nil {
		return 0, err
	}
	if err := r.writeState(ctx, siteFile, site{Product: r.Product, PublicURL: address.Bare(r.PublicURL), Issues: r.Issues}); err != nil {
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

func (r *Repository) catalog(ctx context.Context, state tuf.State) (layout.Catalog, error) {
	c := layout.Catalog{Schema: layout.Schema, Product: r.Product, Updated: state.Expires().Add(-r.policy.Timestamp).UTC()}
	for _, name := range state.Channels() {
		channel, there, err := state.Channel(name)
		if err != nil {
			return c, err
		}
		if there {
			c.Channels = append(c.Channels, channel)
		}
	}
	var err error
	if c.Versions, err = r.versions(ctx, state); err != nil {
		return c, err
	}
	err = errors.Join(r.readState(ctx, tombstoneFile, &c.Withdrawn), r.readState(ctx, nightsFile, &c.Nights))
	return c, err
}

// allNews reads what is new in each version.
func (r *Repository) allNews(ctx context.Context, state tuf.State, versions []layout.VersionManifest) (map[string]changes.Changes, error) {
	news := map[string]changes.Changes{}
	for _, v := range versions {
		content, err := r.readerOf(ctx, state, v.Version)(changes.FileName)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if news[v.Version], err = changes.Decode(content); err != nil {
			return nil, fmt.Errorf("%s: %w", v.Version, err)
		}
	}
	return news, nil
}
