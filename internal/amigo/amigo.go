// Package amigo is the way from an AmiGO's source and a GOlr index to the files
// of an image that serves them. Its rooms: source brings the source here,
// settings renders conf/amigo.yaml, bundle builds, golr makes the index, site
// renders what serves it, datadisk puts the index on a disk of its own, deploy brings the difference to a guest.
package amigo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/datadisk"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/deploy"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/remote"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// Where AmiGO is built.
const (
	Auto  = "auto"  // on the host if that is possible, else in the guest
	Host  = "host"  // natively, in the guest's root file system
	Guest = "guest" // in the guest
)

// Where GOlr's data are.
const (
	OnAuto   = "auto"   // on a disk of their own if they are large
	OnSystem = "system" // in the image of the system
	OnData   = "data"   // on a disk of their own
)

// large is how many bytes of index are apart from the system by themselves.
const large = 1 << 30

// Config is what an image is to hold and how it is made.
type Config struct {
	Source       source.Spec
	Instance     map[string]string // settings of conf/amigo.yaml
	GOlr         golr.Spec
	On           string       // where the data are: [OnAuto], [OnSystem] or [OnData]
	Readers      site.Readers // other sites whose pages may read what GOlr answers
	Memory       string       // of Solr's Java, like "512m"; "": what the index needs
	TimestampLog string       // path on the host, or ""
	ReleaseDOI   string       // path on the host, or ""
	Authorities  []string
	NPM          npm.Spec
	BundleOn     string   // [Auto], [Host] or [Guest]
	Serve        string   // [site.Workers] or [site.CGI]
	Packages     []string // that the guest must have; nil: what AmiGO needs there
	Operator     string
}

// wait is how long a guest that is serving may take to answer again.
const wait = 10 * time.Minute

var (
	memory = regexp.MustCompile(`^([1-9][0-9]*[mMgG])?$`)
	login  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
)

// Validate says everything that is wrong with c, as far as can be told without
// the network, each fault as that of its field (package field).
func (c Config) Validate() error {
	var faults []error
	fault := func(ok bool, name, format string, args ...any) {
		if !ok {
			faults = append(faults, field.Errorf(name, format, args...))
		}
	}
	faults = append(faults, source.Validate(c.Source), golr.Validate(c.GOlr), c.NPM.Validate(), c.validateInstance())
	fault(memory.MatchString(c.Memory), "Memory", "%q is not a size like \"512m\" or \"4g\"", c.Memory)
	fault(slices.Contains([]string{Auto, Host, Guest}, c.BundleOn), "BundleOn", "%q is not %q, %q or %q", c.BundleOn, Auto, Host, Guest)
	fault(slices.Contains([]string{OnAuto, OnSystem, OnData}, c.On), "On", "%q is not %q, %q or %q", c.On, OnAuto, OnSystem, OnData)
	fault(slices.Contains([]string{site.Workers, site.CGI}, c.Serve), "Serve", "%q is not %q or %q", c.Serve, site.Workers, site.CGI)
	fault(login.MatchString(c.Operator), "Operator", "%q is not a valid login name", c.Operator)
	for _, name := range c.Packages {
		fault(distro.IsPackageName(name), "Packages", "%q is not a valid name of a package", name)
	}
	for _, err := range c.Readers.Validate() {
		faults = append(faults, field.Wrap("Readers", err))
	}
	if err := (fetch.Options{Authorities: c.Authorities}).Validate(); err != nil {
		faults = append(faults, field.Wrap("Authorities", err))
	}
	if c.GOlr.Release != "" {
		fault(c.TimestampLog == "", "TimestampLog", "the release has its own")
		fault(c.ReleaseDOI == "", "ReleaseDOI", "the release has its own")
	} else if _, err := release.Read(c.TimestampLog, c.ReleaseDOI); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// validateInstance can tell only what a source that is a directory knows.
func (c Config) validateInstance() error {
	if len(c.Instance) == 0 || c.Source.Ref != "" {
		return nil
	}
	known, err := defaults(c.Source.Location)
	if err != nil {
		return nil //nolint:nilerr // the source is looked at when it is there
	}
	_, err = settings.ForImage(known, c.Instance)
	return eachField("Instance", err)
}

// eachField makes each of the errors that are joined in err one of a field.
func eachField(name string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, field.Wrap(name, one))
	}
	return errors.Join(all...)
}

// Made is what a run has made besides the guest.
type Made struct {
	Data      *datadisk.Disk // nil: the data are in the guest
	MemoryMiB int            // that a machine needs to serve the data
}

// Provision brings AmiGO and GOlr to guest. rootfs is the path of a tar of the
// guest's root file system, or "".
func Provision(ctx context.Context, c Config, guest remote.Runner, rootfs string, store cache.Dir, sink event.Sink) (Made, error) {
	p := &provision{Config: c, guest: guest, rootfs: rootfs, cache: store, sink: sink}
	defer p.close(ctx)
	has, err := p.inspectGuest(ctx)
	if err != nil {
		return Made{}, err
	}
	data, err := p.dataset(ctx)
	if err != nil {
		return Made{}, err
	}
	if _, there := has.Files[site.SolrHome+"/data/index/segments.gen"]; data.published != nil && !there && p.where(data.published.Size) == OnSystem {
		if err := has.Room(data.published.Size); err != nil {
			return Made{}, err
		}
	}
	code, err := p.getSource(ctx)
	if err != nil {
		return Made{}, err
	}
	built, err := p.bundle(ctx, code)
	if err != nil {
		return Made{}, err
	}
	if data, err = p.load(ctx, data, code); err != nil {
		return Made{}, err
	}
	server, err := p.index(ctx, has, data, code)
	if err != nil {
		return Made{}, err
	}
	p.fit(server.data)
	made := parts{guest: has.Distro, data: data, code: code, built: built, server: server}
	disk, err := p.dataDisk(ctx, made)
	if err != nil {
		return Made{}, err
	}
	return Made{Data: disk, MemoryMiB: golr.Machine(golr.HeapMiB(p.Memory))}, p.deploy(ctx, has, made)
}

// fit settles what follows from the index.
func (p *provision) fit(index golr.Index) {
	p.On = p.where(index.Size)
	if p.Memory == "" {
		p.Memory = fmt.Sprintf("%dm", golr.Heap(index.Size))
	}
}

// where tells where data of so many bytes are.
func (c Config) where(size int64) string {
	switch {
	case c.On != OnAuto:
		return c.On
	case size > large:
		return OnData
	}
	return OnSystem
}

// inspectGuest returns what the guest has, after the packages that it lacked
// were installed.
func (p *provision) inspectGuest(ctx context.Context) (deploy.Facts, error) {
	facts, err := deploy.Look(ctx, p.guest)
	if err != nil {
		return facts, err
	}
	if p.Packages == nil {
		p.Packages = facts.Distro.Packages.AmiGO
	}
	if missing := facts.Missing(p.Packages); len(missing) > 0 {
		if err := p.install(ctx, facts.Distro, missing); err != nil {
			return facts, err
		}
	}
	return facts, deploy.CheckModules(ctx, p.guest, facts.Distro)
}

func (p *provision) install(ctx context.Context, d *distro.Distro, missing []string) error {
	if err := p.trust(ctx); err != nil {
		return err
	}
	phase := event.Start(p.sink, "packages", fmt.Sprintf("installing %d in the guest", len(missing)))
	out := event.NewLines(phase.Detail)
	return phase.End(event.OK, "", deploy.Install(ctx, p.guest, d, missing, out))
}
