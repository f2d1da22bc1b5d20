package amigo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/adapt"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// files are everything that the image is to hold. notes tells of what in it
// still refers to other hosts.
func (c Config) files(made parts) (files fileset.Set, notes []string, err error) {
	data := made.data.release
	files, notes, err = adapt.Files(made.built.tree, c.told(data), settings.Server(made.code.defaults, c.Instance))
	if err != nil {
		return nil, nil, err
	}
	s, err := c.site(made, data, site.Programs(files))
	if err != nil {
		return nil, nil, err
	}
	rendered, err := site.Files(s)
	if err != nil {
		return nil, nil, err
	}
	files.Add(rendered.Sorted()...)
	search, err := made.golr(c.On == OnData)
	if err != nil {
		return nil, nil, err
	}
	files.Add(search.Sorted()...)
	manager, err := npm.Files(made.built.npm)
	if err != nil {
		return nil, nil, err
	}
	files.Add(manager.Sorted()...)
	files.Add(c.released(data)...)
	about, err := describe(made, s)
	files.Add(about...)
	return files, notes, err
}

// told is what AmiGO is told of its data, or where it finds that.
func (c Config) told(data release.Release) adapt.Data {
	if c.On != OnData {
		return adapt.Data{Release: data}
	}
	return adapt.Data{File: site.DataCurrent + "/" + datadisk.ReleaseFile, Badge: site.DataCurrent + "/" + datadisk.BadgeFile}
}

// site is how the image serves what it is made of.
func (c Config) site(made parts, data release.Release, programs []string) (site.Site, error) {
	targets, err := targets(made.built.tree)
	if err != nil {
		return site.Site{}, err
	}
	schema, err := made.code.schema()
	return site.Site{
		Apart: c.On == OnData, Schema: schema,
		Guest: made.guest, Serve: c.Serve, Programs: programs, Memory: c.Memory, Operator: c.Operator,
		Origins: settings.Origins(c.Instance), Targets: targets, Readers: c.Readers,
		Version: made.code.Version, Commit: made.code.Commit, Origin: made.code.Origin,
		Date: data.Date(), DOI: data.DOI, Count: made.server.data.Documents,
	}, err
}

// targets are the hosts that the pages of a built AmiGO send forms to.
func targets(tree string) ([]string, error) {
	f, err := regular.Open(filepath.Join(tree, "conf", "rte_resources.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the services for term enrichment: %w", err)
	}
	defer func() { _ = f.Close() }()
	return settings.Targets(f)
}

// golr is Solr's program, its configuration and the index, unless that is apart. All belong to root:
// Solr, which only reads them, cannot change them.
func (p parts) golr(apart bool) (fileset.Set, error) {
	set := fileset.Set{}
	trees := map[string]string{
		p.server.webapp.Dir: site.SolrHome + "/jetty/webapps/solr",
		p.code.solrConf():   site.SolrHome + "/conf",
	}
	if !apart {
		trees[p.server.data.Dir] = site.SolrHome + "/data/index"
	}
	if jetty := p.server.webapp.Jetty; jetty != "" {
		trees[jetty] = golr.JettyHome
	}
	for from, to := range trees {
		files, err := fileset.Tree(from, to, nil)
		if err != nil {
			return nil, err
		}
		set.Add(files.Sorted()...)
	}
	return set, nil
}

// released is what is known of the release that the data is of.
func (c Config) released(data release.Release) []fileset.File {
	var files []fileset.File
	if c.On == OnData {
		for _, name := range []string{datadisk.LogFile, datadisk.RecordFile} {
			files = append(files, fileset.Symlink(settings.WorkingPath+"/"+name, site.DataCurrent+"/"+name))
		}
		return files
	}
	if log := data.Log(); log != "" {
		files = append(files, fileset.Text(settings.WorkingPath+"/"+datadisk.LogFile, log))
	}
	if record := data.Record(); record != "" {
		files = append(files, fileset.Text(settings.WorkingPath+"/"+datadisk.RecordFile, record))
	}
	return files
}

// describe is what an image tells of itself to who tests or changes it.
func describe(made parts, s site.Site) ([]fileset.File, error) {
	about := map[string]any{
		"amigo": map[string]string{"version": s.Version, "commit": s.Commit, "source": s.Origin},
		"golr":  map[string]any{"documents": s.Count, "kinds": made.server.data.Kinds, "date": s.Date, "doi": s.DOI},
		"serve": s.Serve,
		"test":  map[string]string{"search": made.server.data.Label, "term": made.server.data.Term},
	}
	if s.Apart { // their disk tells
		about["golr"] = map[string]any{"on": manifest.OnData}
		delete(about, "test")
	}
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describing the image: %w", err)
	}
	files := []fileset.File{
		fileset.Text(site.Share+"/about.json", string(text)+"\n"),
		fileset.Text(site.Share+"/runtime.list", adapt.Runtime()),
	}
	if history := made.code.History; len(history) > 0 {
		files = append(files, fileset.Text(site.Share+"/"+manifest.CommitsName, manifest.FormatCommits(history)))
	}
	return files, nil
}
