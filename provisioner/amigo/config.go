//go:generate go tool packer-sdc mapstructure-to-hcl2 -type Config,GOlr

package amigo

import (
	"cmp"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	engine "github.com/geneontology/packer-plugin-amigo/internal/amigo"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/golr"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/loader"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/npm"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Config is the provisioner's block in a template.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// AmiGO's source: a directory, a git URL, or the path or https address of
	// a .tar.gz, .tar.xz or .zip archive.
	Source string `mapstructure:"source" required:"true"`
	// Branch, tag or full commit of a git repository. Default: its HEAD.
	Ref string `mapstructure:"ref"`
	// "sha256:..." of an archive. An archive from the network needs one.
	SourceChecksum string `mapstructure:"source_checksum"`
	// Settings of AmiGO's conf/amigo.yaml by name. A list is written with
	// spaces between its items.
	Instance map[string]string `mapstructure:"instance"`
	// The search server and its data.
	GOlr GOlr `mapstructure:"golr" required:"true"`
	// PEM files of certificate authorities that are trusted during the build
	// and not in the finished image, for networks behind an inspecting proxy.
	CertificateAuthorities []string `mapstructure:"certificate_authorities"`
	// Path or https address of npm's own package, like npm-10.9.9.tgz: AmiGO is built
	// with it, and it is in the image for developers. Default: that of npm 10.9.9, which
	// the npm on this host fetches from its registry when it is first needed.
	NPMPackage string `mapstructure:"npm_package"`
	// "sha256:..." of npm_package. An address needs it.
	NPMPackageChecksum string `mapstructure:"npm_package_checksum"`
	// Address of the npm registry. Default: that of `~/.npmrc` if it is built on
	// the host, else npm's own.
	NPMRegistry string `mapstructure:"npm_registry"`
	// Where AmiGO is built: "host", natively in a root file system like the
	// guest's; "guest"; or "auto", the first that is possible. Default: "auto".
	BundleOn string `mapstructure:"bundle_on"`
	// How AmiGO's programs run: "workers", persistently, or "cgi", a process
	// for each request. Default: "workers".
	Serve string `mapstructure:"serve"`
	// Packages that the guest must have. Those that it lacks are installed.
	// Default: what AmiGO needs, as the guest's distribution names it.
	Packages []string `mapstructure:"packages"`
	// Login for who looks after the machine. It has no password until one is
	// chosen at the first login on the console. Default: "amigo".
	Operator string `mapstructure:"operator"`

	ctx interpolate.Context
}

// GOlr is the block about the search server. One of release, index, documents, ontology
// and url is given.
type GOlr struct {
	// A release of the Gene Ontology: "current", the date of one, like "2026-10-07",
	// or the directory or address of what is laid out like one. Its index, the log
	// of its loader and the record of its DOI are found there.
	Release string `mapstructure:"release"`
	// Directory or archive with an index of Solr 3.6.
	Index string `mapstructure:"index"`
	// Files in Solr's XML or JSON form, to make an index of. gzip may have compressed
	// them.
	Documents []string `mapstructure:"documents"`
	// Files with the ontologies to make documents of, in the OBO format or as OBO
	// Graphs in JSON, like go.obo. Several are put together, such as GO's and NCBI's
	// taxonomy, which has the names of species. gzip may have compressed them.
	Ontology []string `mapstructure:"ontology"`
	// Files with annotations to terms of the ontology: GAF 2.0 to 2.2, GPAD 1.1 to 2.0,
	// and GPI 1.2 to 2.1 for what is annotated. gzip may have compressed them.
	Annotations []string `mapstructure:"annotations"`
	// How many lines of annotations may be skipped, since they cannot be loaded: a
	// share of them like "5%", or "off". Default: "1%".
	MaxSkipped string `mapstructure:"max_skipped"`
	// Address of an archive with an index, like golr-index-contents.tgz of a
	// release of the Gene Ontology.
	URL string `mapstructure:"url"`
	// "sha256:..." of the archive that is at url, which needs it.
	Checksum string `mapstructure:"checksum"`
	// Path or https address of Solr 3.6's solr.war. Default: that of Solr 3.6.2,
	// which Maven fetches when it is first needed, from Maven Central or from the
	// mirror that its `settings.xml` on this host names.
	SolrWar string `mapstructure:"solr_war"`
	// "sha256:..." of solr_war. An address needs it.
	SolrWarChecksum string `mapstructure:"solr_war_checksum"`
	// Origins of other sites, like "https://example.org", whose pages may read
	// what GOlr answers (CORS); `"*"` is every site, `[]` is none. Default:
	// `["*"]`, as GO's own GOlr is read by other sites.
	CORSOrigins []string `mapstructure:"cors_origins"`
	// Where the data are: "system", in the image of the system, or "data", on a disk of
	// their own, which the post-processor `amigo-data` makes an image of. So a new
	// system costs who has the data none of them, and the other way round. Default:
	// "auto", which is "data" for an index of more than 1 GiB.
	On string `mapstructure:"on"`
	// Memory for Solr, like "512m" or "4g". Default: a fifth of the index's size, at
	// least "512m". A machine is tested and run with half as much again, and 1280 MiB
	// for the rest of the system.
	Memory string `mapstructure:"memory"`
	// The loader's golr_timestamp.log: what was loaded, and when.
	TimestampLog string `mapstructure:"timestamp_log"`
	// The release's release-archive-doi.json.
	ReleaseDOI string `mapstructure:"release_doi"`
}

// ConfigSpec returns the block's shape in HCL.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare reads the block and says everything that is wrong with it. It needs
// no network.
func (p *Provisioner) Prepare(raws ...any) error {
	err := config.Decode(&p.config, &config.DecodeOpts{
		PluginType: "amigo", Interpolate: true, InterpolateContext: &p.config.ctx,
	}, raws...)
	if err != nil {
		return err
	}
	p.config.defaults()
	return faults(field.Map(p.config.engine().Validate(), attributes))
}

func (c *Config) defaults() {
	c.BundleOn = cmp.Or(c.BundleOn, engine.Auto)
	c.Serve = cmp.Or(c.Serve, site.Workers)
	c.Operator = cmp.Or(c.Operator, "amigo")
	c.GOlr.On = cmp.Or(c.GOlr.On, engine.OnAuto)
	c.GOlr.MaxSkipped = cmp.Or(c.GOlr.MaxSkipped, "1%")
	if c.GOlr.CORSOrigins == nil {
		c.GOlr.CORSOrigins = []string{"*"}
	}
}

// attributes are the names of the engine's fields in a template.
var attributes = map[string]string{
	"Source": "source", "Source.Ref": "ref", "Source.Checksum": "source_checksum", "Instance": "instance",
	"NPM.Package": "npm_package", "NPM.Checksum": "npm_package_checksum",
	"GOlr": "golr", "GOlr.Release": "golr.release", "GOlr.Checksum": "golr.checksum", "GOlr.Ontology": "golr.ontology", "GOlr.Annotations": "golr.annotations", "GOlr.MaxSkipped": "golr.max_skipped",
	"GOlr.War": "golr.solr_war", "GOlr.WarSum": "golr.solr_war_checksum",
	"Readers": "golr.cors_origins", "Memory": "golr.memory", "On": "golr.on", "TimestampLog": "golr.timestamp_log", "ReleaseDOI": "golr.release_doi",
	"Authorities": "certificate_authorities", "BundleOn": "bundle_on", "Serve": "serve", "Packages": "packages", "Operator": "operator",
}

// engine returns the block as the engine knows it.
func (c *Config) engine() engine.Config {
	return engine.Config{
		Source:   source.Spec{Location: c.Source, Ref: c.Ref, Checksum: c.SourceChecksum},
		Instance: c.Instance,
		GOlr: golr.Spec{
			Release: c.GOlr.Release, Index: c.GOlr.Index, Documents: c.GOlr.Documents, URL: c.GOlr.URL, Checksum: c.GOlr.Checksum,
			Load: loader.Input{Ontologies: c.GOlr.Ontology, Annotations: c.GOlr.Annotations, MaxSkipped: c.GOlr.MaxSkipped},
			War:  c.GOlr.SolrWar, WarSum: c.GOlr.SolrWarChecksum,
		},
		Readers: c.GOlr.CORSOrigins, On: c.GOlr.On,
		Memory: c.GOlr.Memory, TimestampLog: c.GOlr.TimestampLog, ReleaseDOI: c.GOlr.ReleaseDOI,
		Authorities: c.CertificateAuthorities, NPM: npm.Spec{Package: c.NPMPackage, Checksum: c.NPMPackageChecksum, Registry: c.NPMRegistry}, BundleOn: c.BundleOn,
		Serve: c.Serve, Packages: c.Packages, Operator: c.Operator,
	}
}

// faults returns err in Packer's way: one entry for each fault.
func faults(err error) error {
	if err == nil {
		return nil
	}
	return packersdk.MultiErrorAppend(nil, split(err)...)
}

func split(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		if part != nil {
			all = append(all, split(part)...)
		}
	}
	return all
}
