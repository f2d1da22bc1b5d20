package repository

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/catalog"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// Documents of publishers.
var (
	uploadFile       = path.Join(layout.StateDir, "upload.json")
	tombstoneFile    = path.Join(layout.StateDir, "tombstones.json")
	nightsFile       = path.Join(layout.StateDir, "nights.json")
	capabilitiesFile = path.Join(layout.StateDir, "store.json")
	siteFile         = path.Join(layout.StateDir, "site.json")
)

// upload is what a publisher begins with. Who finishes the work of one that
// died finds here which version it was.
type upload struct {
	Version     string    `json:"version"`
	Fingerprint string    `json:"fingerprint"` // of the images
	Started     time.Time `json:"started"`
}

// capabilities is what is known of a store.
type capabilities struct {
	Apart bool `json:"apart"` // it keeps publishers apart
}

// site is what pages say that is not in the metadata. Who promotes a version
// need not know what its publisher said.
type site struct {
	Product    string             `json:"product"`
	PublicURL  string             `json:"public_url,omitempty"`
	Issues     string             `json:"issues,omitempty"`
	Publisher  string             `json:"publisher,omitempty"`
	Screenshot catalog.Screenshot `json:"screenshot,omitzero"`
}

// or takes what was said before in the place of what is not said now.
func (s site) or(before site) site {
	return site{
		Product:    cmp.Or(s.Product, before.Product, "amigo"),
		PublicURL:  address.Bare(cmp.Or(s.PublicURL, before.PublicURL)),
		Issues:     cmp.Or(s.Issues, before.Issues),
		Publisher:  cmp.Or(s.Publisher, before.Publisher),
		Screenshot: cmp.Or(s.Screenshot, before.Screenshot),
	}
}

// note is a document of publishers.
type note[T any] struct {
	value T
	raw   []byte // as it lies in the store, or nil
}

// readNote reads a document. Without one, the value is the zero value.
func readNote[T any](ctx context.Context, from overlaid, file string) (note[T], error) {
	var n note[T]
	content, err := from.Read(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal(content, &n.value); err != nil {
		return n, fmt.Errorf("reading %s: %w", file, err)
	}
	n.raw = content
	return n, nil
}

// writeNote writes a document in the place of the one that was read, unless that
// says the same.
func writeNote[T any](ctx context.Context, to storage, file string, was note[T], value T) (note[T], error) {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return was, fmt.Errorf("writing %s: %w", file, err)
	}
	content = append(content, '\n')
	if !bytes.Equal(was.raw, content) {
		err = to.Put(ctx, file, content)
	}
	return note[T]{value: value, raw: content}, err
}

// notes are the documents that pages are made of.
type notes struct {
	said   site // now, or else before
	site   note[site]
	stones note[[]layout.Tombstone]
	nights note[[]layout.Night]
}

func (r *Repository) readNotes(ctx context.Context) (notes, error) {
	var n notes
	var errs [3]error
	n.site, errs[0] = readNote[site](ctx, r.store, siteFile)
	n.stones, errs[1] = readNote[[]layout.Tombstone](ctx, r.store, tombstoneFile)
	n.nights, errs[2] = readNote[[]layout.Night](ctx, r.store, nightsFile)
	n.said = site{
		Product: r.Product, PublicURL: r.PublicURL, Issues: r.Issues, Publisher: r.Publisher, Screenshot: r.shot.Screenshot,
	}.or(n.site.value)
	return n, errors.Join(errs[:]...)
}
