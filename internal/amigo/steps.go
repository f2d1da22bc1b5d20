package amigo

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/bundle"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/deploy"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/bytesize"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// provision is one run: what it was given, and what it holds open. What a step
// finds it returns, for the next.
type provision struct {
	Config
	guest  remote.Runner
	rootfs string
	cache  cache.Dir
	sink   event.Sink

	trusted bool // the guest trusts the authorities
	shop    workshop.Workshop
}

// code is AmiGO's source.
type code struct {
	source.Tree
	defaults settings.Instance // of conf/amigo.yaml, without ours
}

// solrConf is the directory of Solr's configuration.
func (c code) solrConf() string { return filepath.Join(c.Dir, "golr", "solr", "conf") }

// schemaFile is what Solr knows of the fields of an index.
func (c code) schemaFile() string { return filepath.Join(c.solrConf(), "schema.xml") }

// schema returns the digest of what Solr knows of the fields of an index.
func (c code) schema() (string, error) {
	_, sum, err := manifest.DigestFile(c.schemaFile(), func(int64, int64) {})
	return sum, err
}

// server is the search server.
type server struct {
	webapp golr.WebApp
	data   golr.Index
}

// parts are what an image is put together from.
type parts struct {
	guest  *distro.Distro
	data   dataset
	code   code
	built  built
	server server
}

// built is what a build made, and what it was made with.
type built struct {
	tree string // AmiGO's, after its own build
	npm  string // directory
}

func (p *provision) getSource(ctx context.Context) (code, error) {
	phase := event.Start(p.sink, "source", address.Shown(p.Source.Location))
	spec := p.Source
	spec.Fetch = p.network(phase)
	tree, err := source.Get(ctx, p.cache, spec)
	if err != nil {
		return code{}, phase.End(event.OK, "", err)
	}
	known, err := defaults(tree.Dir)
	return code{Tree: tree, defaults: known}, phase.End(event.OK, tree.String(), err)
}

func defaults(dir string) (settings.Instance, error) {
	f, err := regular.Open(filepath.Join(dir, "conf", ".initial_values.yaml"))
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

// bundle returns AmiGO's tree after its own build.
func (p *provision) bundle(ctx context.Context, c code) (built, error) {
	phase := event.Start(p.sink, "bundles", "AmiGO's JavaScript and configuration")
	made, cached, err := p.build(ctx, c, phase)
	return made, phase.End(status(cached), "", err)
}

func (p *provision) build(ctx context.Context, c code, phase *event.Phase) (made built, cached bool, err error) {
	instance, err := settings.ForImage(c.defaults, p.Instance)
	if err != nil {
		return made, false, eachField("Instance", err)
	}
	in := bundle.Input{Tree: c.Tree, Settings: instance, NPM: p.NPM}
	in.NPM.Fetch = p.network(phase)
	if in.NPM.Trust, err = in.NPM.Fetch.TrustFile(ctx, p.cache); err != nil {
		return made, false, err
	}
	if made.npm, err = npm.Get(ctx, p.cache, in.NPM); err != nil {
		return made, false, err
	}
	in.NPMDir = made.npm
	shop, err := p.open(ctx, phase)
	if err != nil {
		return made, false, err
	}
	made.tree, cached, err = bundle.Build(ctx, p.cache, shop, in, event.NewLines(phase.Detail))
	return made, cached, err
}

func (p *provision) index(ctx context.Context, has deploy.Facts, data dataset, c code) (server, error) {
	phase := event.Start(p.sink, "golr", "Solr and its index")
	made, cached, err := p.makeIndex(ctx, has, data, c, phase)
	return made, phase.End(status(cached), fmt.Sprintf("%d documents", made.data.Documents), err)
}

func (p *provision) makeIndex(ctx context.Context, has deploy.Facts, data dataset, c code, phase *event.Phase) (made server, cached bool, err error) {
	spec := p.GOlr
	if data.documents != nil {
		spec.Documents = data.documents
	}
	spec.Fetch = p.network(phase)
	if spec.Release != "" {
		if spec.Index, err = data.bring(ctx, p.cache, phase); err != nil {
			return made, false, err
		}
	}
	if made.webapp, err = golr.Unwrap(ctx, p.cache, spec); err != nil {
		return made, false, err
	}
	if !has.Distro.Jetty {
		if made.webapp.Jetty, err = golr.GetJetty(ctx, p.cache); err != nil {
			return made, false, err
		}
	}
	open := func() (workshop.Workshop, error) { return p.open(ctx, phase) }
	made.data, cached, err = golr.Make(ctx, p.cache, open, spec, made.webapp, c.solrConf(), event.NewLines(phase.Detail))
	return made, cached, err
}

// dataDisk returns the disk of the data, if they get one.
func (p *provision) dataDisk(ctx context.Context, made parts) (*datadisk.Disk, error) {
	if p.On != OnData {
		return nil, nil //nolint:nilnil // the data are in the guest
	}
	phase := event.Start(p.sink, "data", "a disk with the index")
	disk, cached, err := p.makeDataDisk(ctx, made)
	return &disk, phase.End(status(cached), disk.About.Words(), err)
}

func (p *provision) makeDataDisk(ctx context.Context, made parts) (disk datadisk.Disk, cached bool, err error) {
	schema, err := made.code.schema()
	if err != nil {
		return disk, false, err
	}
	return datadisk.Make(ctx, p.cache, datadisk.Content{Index: made.server.data, Release: made.data.release, Schema: schema})
}

func (p *provision) deploy(ctx context.Context, has deploy.Facts, made parts) error {
	phase := event.Start(p.sink, "deploy", "to the guest")
	text, changed, err := p.bring(ctx, has, made, phase)
	return phase.End(status(!changed), text, err)
}

func (p *provision) bring(ctx context.Context, has deploy.Facts, made parts, phase *event.Phase) (text string, changed bool, err error) {
	files, notes, err := p.files(made)
	if err != nil {
		return "", false, err
	}
	for _, note := range notes {
		phase.Detail(note)
	}
	plan, record, err := deploy.Compare(files, has.Files)
	if err != nil || plan.Empty() {
		return "the guest has everything", false, err
	}
	if err := has.Room(plan.Size); err != nil {
		return "", false, err
	}
	err = deploy.Run(ctx, p.guest, plan, record, deploy.Options{
		Operator: p.Operator, Group: has.Distro.Operators, Workers: p.Serve == site.Workers, Absent: has.Distro.Web.Absent, Wait: wait,
		Output:   event.NewLines(phase.Detail),
		Progress: func(done, total int64) { phase.Progress(done, total, event.Bytes) },
	})
	return fmt.Sprintf("%d files, %s, %d removed", len(plan.Upload), bytesize.Of(plan.Size), len(plan.Gone)), true, err
}

func status(cached bool) event.Status {
	if cached {
		return event.Cached
	}
	return event.OK
}
