package amigo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/adapt"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/bundle"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Digest returns a digest of all that decides what [Provision] brings to a
// guest, but for the guest itself. It brings the source here to know it.
func (c Config) Digest(ctx context.Context, store cache.Dir) (string, error) {
	c.Source.Fetch = fetch.Options{Authorities: c.Authorities}
	tree, err := source.Get(ctx, store, c.Source)
	if err != nil {
		return "", err
	}
	index, err := golr.Digest(c.GOlr)
	if err != nil {
		return "", err
	}
	manager, err := c.NPM.Digest()
	if err != nil {
		return "", err
	}
	data, err := c.dataset(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{
		"instance": c.Instance, "memory": c.Memory, "registry": c.NPM.Registry, "npm": manager, "bundle_on": c.BundleOn,
		"serve": c.Serve, "on": c.On, "packages": c.Packages, "operator": c.Operator, "readers": c.Readers,
		"log": data.release.Log(), "doi": data.release.Record(), "published": data.digest(), "commit": tree.Commit, "origin": tree.Origin,
		"history": manifest.FormatCommits(tree.History),
	})
	if err != nil {
		return "", fmt.Errorf("taking the digest of the settings: %w", err)
	}
	recipe := cache.Key(adapt.Version, bundle.Recipe(), site.Recipe(), datadisk.Recipe(), distro.Digest())
	return cache.Key(tree.Digest, index, string(text), recipe), nil
}
