package amigo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/adapt"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/bundle"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/deploy"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/event"
)

// provision is one run, and what its steps have found so far.
type provision struct {
	Config
	guest  remote.Guest
	rootfs string
	cache  cache.Dir
	sink   event.Sink

	facts    deploy.Facts
	trusted  bool // the guest trusts the authorities
	tree     source.Tree
	defaults settings.Instance
	built    string // AmiGO's tree after its own build
	webapp   golr.WebApp
	data     golr.Index
	shop     workshop.Workshop
}

func (p *provision) getSource(ctx context.Context) (err error) {
	phase := event.Start(p.sink, "source", address.Shown(p.Source.Location))
	p.Source.Fetch = p.network(phase)
	if p.tree, err = source.Get(ctx, p.cache, p.Source); err != nil {
		return phase.End(event.OK, "", err)
	}
	p.defaults, err = defaults(p.tree.Dir)
	return phase.End(event.OK, p.tree.String(), err)
}

func defaults(dir string) (settings.Instance, error) {
	f, err := os.Open(filepath.Join(dir, "conf", ".initial_values.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the instance's settings: %w", err)
	}
	defer func() { _ = f.Close() }()
	return settings.Read(f)
}

func (p *provision) network(phase *event.Phase) fetch.Options {
	return fetch.Options{Authorities: p.Authorities, Progress: func(done, total int64) {
		phase.Progress(done, total, event.Bytes)
	}}
}

func (p *provision) bundle(ctx context.Context) error {
	phase := event.Start(p.sink, "bundles", "AmiGO's JavaScript and configuration")
	cached, err := p.build(ctx, phase)
	return phase.End(status(cached), "", err)
}

func (p *provision) build(ctx context.Context, phase *event.Phase) (cached bool, err error) {
	instance, err := settings.ForImage(p.defaults, p.Instance)
	if err != nil {
		return false, eachField("Instance", err)
	}
	trust, err := p.network(phase).TrustFile(ctx, p.cache)
	if err != nil {
		return false, err
	}
	shop, err := p.open(ctx, phase)
	if err != nil {
		return false, err
	}
	in := bundle.Input{Tree: p.tree, Settings: instance, Registry: p.Registry, Trust: trust}
	out := event.NewLines(phase.Detail)
	p.built, cached, err = bundle.Build(ctx, p.cache, shop, in, out)
	return cached, err
}

func (p *provision) index(ctx context.Context) error {
	phase := event.Start(p.sink, "golr", "Solr and its index")
	cached, err := p.makeIndex(ctx, phase)
	return phase.End(status(cached), fmt.Sprintf("%d documents", p.data.Documents), err)
}

func (p *provision) makeIndex(ctx context.Context, phase *event.Phase) (cached bool, err error) {
	p.GOlr.Fetch = p.network(phase)
	if p.webapp, err = golr.Unwrap(ctx, p.cache, p.GOlr); err != nil {
		return false, err
	}
	open := func() (workshop.Workshop, error) { return p.open(ctx, phase) }
	p.data, cached, err = golr.Make(ctx, p.cache, open, p.GOlr, p.webapp, p.solrConf(), event.NewLines(phase.Detail))
	return cached, err
}

func (p *provision) solrConf() string { return filepath.Join(p.tree.Dir, "golr", "solr", "conf") }

func (p *provision) deploy(ctx context.Context) error {
	phase := event.Start(p.sink, "deploy", "to the guest")
	text, changed, err := p.bring(ctx, phase)
	return phase.End(status(!changed), text, err)
}

func (p *provision) bring(ctx context.Context, phase *event.Phase) (text string, changed bool, err error) {
	files, err := p.files(phase)
	if err != nil {
		return "", false, err
	}
	plan, record, err := deploy.Compare(files, p.facts.Files)
	if err != nil || plan.Empty() {
		return "the guest has everything", false, err
	}
	err = deploy.Run(ctx, p.guest, plan, record, deploy.Options{
		Operator: p.Operator, Workers: p.Serve == site.Workers, Absent: site.Absent, Wait: wait,
		Output:   event.NewLines(phase.Detail),
		Progress: func(done, total int64) { phase.Progress(done, total, event.Bytes) },
	})
	return fmt.Sprintf("%d files, %s, %d removed", len(plan.Upload), bytesize.Of(plan.Size), len(plan.Gone)), true, err
}

// files are everything that the image is to hold.
func (p *provision) files(phase *event.Phase) (fileset.Set, error) {
	data, err := release.Read(p.TimestampLog, p.ReleaseDOI)
	if err != nil {
		return nil, err
	}
	set, notes, err := adapt.Files(p.built, data, settings.Server(p.defaults, p.Instance))
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		phase.Detail(note)
	}
	targets, err := targets(p.built)
	if err != nil {
		return nil, err
	}
	s := site.Site{
		Serve: p.Serve, Programs: site.Programs(set), Memory: p.Memory, Operator: p.Operator,
		Origins: settings.Origins(p.Instance), Targets: targets, Readers: p.Readers,
		Version: p.tree.Version, Commit: p.tree.Commit, Origin: p.tree.Origin,
		Date: data.Date(), DOI: data.DOI, Count: p.data.Documents,
	}
	rendered, err := site.Files(s)
	if err != nil {
		return nil, err
	}
	set.Add(rendered.Sorted()...)
	if err := p.addGOlr(set); err != nil {
		return nil, err
	}
	known(set, data)
	return set, p.describe(set, s)
}

// targets are the hosts that the pages of a built AmiGO send forms to.
func targets(tree string) ([]string, error) {
	f, err := os.Open(filepath.Join(tree, "conf", "rte_resources.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the services for term enrichment: %w", err)
	}
	defer func() { _ = f.Close() }()
	return settings.Targets(f)
}

// addGOlr adds Solr's program, its configuration and the index. All belong to
// root: Solr, which only reads them, cannot change them.
func (p *provision) addGOlr(set fileset.Set) error {
	for from, to := range map[string]string{
		p.webapp.Dir: site.SolrHome + "/jetty/webapps/solr",
		p.solrConf(): site.SolrHome + "/conf",
		p.data.Dir:   site.SolrHome + "/data/index",
	} {
		files, err := fileset.Tree(from, to, nil)
		if err != nil {
			return err
		}
		set.Add(files.Sorted()...)
	}
	return nil
}

func known(set fileset.Set, data release.Release) {
	if log := data.Log(); log != "" {
		set.Add(fileset.Text(settings.WorkingPath+"/golr_timestamp.log", log))
	}
	if record := data.Record(); record != "" {
		set.Add(fileset.Text(settings.WorkingPath+"/release-archive-doi.json", record))
	}
}

// describe adds what an image tells of itself to who tests or changes it.
func (p *provision) describe(set fileset.Set, s site.Site) error {
	about := map[string]any{
		"amigo": map[string]string{"version": s.Version, "commit": s.Commit, "source": s.Origin},
		"golr":  map[string]any{"documents": s.Count, "date": s.Date, "doi": s.DOI},
		"serve": s.Serve,
		"test":  map[string]string{"search": p.data.Label, "term": p.data.Term},
	}
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the image: %w", err)
	}
	set.Add(
		fileset.Text(site.Share+"/about.json", string(text)+"\n"),
		fileset.Text(site.Share+"/runtime.list", adapt.Runtime()),
	)
	if len(p.tree.History) > 0 {
		set.Add(fileset.Text(site.Share+"/"+manifest.CommitsName, manifest.FormatCommits(p.tree.History)))
	}
	return nil
}

func status(cached bool) event.Status {
	if cached {
		return event.Cached
	}
	return event.OK
}
