// Package site renders what an image needs to serve AmiGO: Apache, the workers
// that run AmiGO's programs, Solr's Jetty, the start page and the console's
// greeting. Its functions are pure.
package site

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"path"
	"slices"
	"strings"
	text "text/template"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/distro"
)

//go:embed files
var files embed.FS

// Ways to run AmiGO's programs.
const (
	Workers = "workers" // persistently, behind Apache
	CGI     = "cgi"     // a process for each request, as AmiGO's documents have it
)

// Share is where an image keeps what it knows of itself.
const Share = "/usr/share/amigo-image"

// SolrHome is GOlr's home in an image.
const SolrHome = "/srv/solr"

// Where a machine has data that are apart from the system: the disk is mounted at one, and
// what is served is what the other, a link, leads to.
const (
	DataMount   = DataHome + "/attached"
	DataCurrent = DataHome + "/current"
	DataHome    = "/srv/golr"
)

// dataUnit is the name that systemd wants for the mount at [DataMount].
const dataUnit = "srv-golr-attached.mount"

// Ready is there while GOlr answers searches. It goes with Jetty.
const Ready = "/run/golr/ready"

// Site is what is served, and how.
type Site struct {
	Guest    *distro.Distro // nil: [distro.Standard]
	Serve    string         // [Workers] or [CGI]
	Programs []string       // of AmiGO that are reachable, as [Programs] returns them
	Memory   string         // of Solr's Java, like "512m"
	Apart    bool           // the data are on a disk of their own
	Schema   string         // digest of the schema of the data that fit
	Origins  []string       // other hosts that pages may load from, like "https://example.org"
	Targets  []string       // other hosts that pages may send forms to
	Readers  Readers        // other sites whose pages may read what GOlr answers
	Operator string         // who may log in

	Version string // of AmiGO
	Commit  string // of AmiGO's source, or ""
	Origin  string // where the source came from
	Date    string // of the data's last load, or ""
	DOI     string // of the data, or ""
	Count   int    // of documents in GOlr
}

// exposed are the programs that AmiGO's own virtual host exposes, but for those
// that show what other hosts answer (goose, gannet): where there is no network
// they keep a process busy for minutes.
var exposed = []string{
	"amigo", "visualize", "grebe", "rte", "xrefs", "repl", "matrix", "tebase", "facet_matrix",
}

// Programs returns which of the programs that AmiGO's own virtual host exposes
// there are among an image's files.
func Programs(amigo fileset.Set) []string {
	return slices.DeleteFunc(slices.Clone(exposed), func(name string) bool {
		_, there := amigo[path.Join(settings.Programs, name)]
		return !there
	})
}

// Has tells whether a program is served.
func (s Site) Has(program string) bool { return slices.Contains(s.Programs, program) }

// places says where each rendered file belongs.
var places = map[string]string{
	"index.html":         Share + "/www/index.html",
	"400.html":           Share + "/www/errors/400.html",
	"500.html":           Share + "/www/errors/500.html",
	"503.html":           Share + "/www/errors/503.html",
	"504.html":           Share + "/www/errors/504.html",
	"page.css":           Share + "/www/page.css",
	"jetty.conf":         "/etc/systemd/system/jetty9.service.d/amigo.conf",
	"golr.sh":            Share + "/golr.sh",
	"golr.xml":           SolrHome + "/jetty/golr.xml",
	"issue":              "/etc/issue",
	"motd":               "/etc/motd",
	"motd.sh":            "/etc/update-motd.d/20-amigo",
	"status.sh":          Share + "/status.sh",
	"status.unit":        "/etc/systemd/system/amigo-status.service",
	"status.timer":       "/etc/systemd/system/amigo-status.timer",
	"resolved.conf":      "/etc/systemd/resolved.conf.d/amigo.conf",
	"sysctl.conf":        "/etc/sysctl.d/60-amigo-console.conf",
	"tmp.mount":          "/etc/systemd/system/tmp.mount",
	"tmpfiles.conf":      "/etc/tmpfiles.d/amigo.conf",
	"app.psgi":           Share + "/app.psgi",
	"amigo-workers.unit": "/etc/systemd/system/amigo-workers.service",
	"jetty.unit":         "/etc/systemd/system/jetty9.service",
	"sysusers.conf":      Sysusers,
	"data.mount":         "/etc/systemd/system/" + dataUnit,
	"data.unit":          "/etc/systemd/system/amigo-data.service",
	"data.sh":            Share + "/data.sh",
	"schema":             Share + "/schema",

	"amigo-data.pl":           "/usr/sbin/amigo-data",
	"amigo-data-update.unit":  "/etc/systemd/system/amigo-data-update.service",
	"amigo-data-update.timer": "/etc/systemd/system/amigo-data-update.timer",
}

// Sysusers is the file that names who has to be made before what is served can start.
const Sysusers = "/etc/sysusers.d/amigo.conf"

// placed says where each rendered file of a site belongs.
func (s Site) placed() map[string]string {
	all := maps.Clone(places)
	all["amigo.conf"] = s.Web().Site
	all["apache2.conf"] = "/etc/systemd/system/" + s.Web().Unit + ".d/amigo.conf"
	var without []string
	if s.Serve != Workers {
		without = append(without, forWorkers...)
	}
	if s.System().Jetty {
		without = append(without, forOwnJetty...)
	}
	if !s.Apart {
		without = append(without, forData...)
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return slices.Contains(without, name) })
	return all
}

// System is the guest's distribution.
func (s Site) System() *distro.Distro {
	if s.Guest == nil {
		return distro.Standard()
	}
	return s.Guest
}

// Web is what the guest's Apache is like.
func (s Site) Web() distro.Web { return s.System().Web }

// forWorkers are the files that only workers need.
var forWorkers = []string{"app.psgi", "amigo-workers.unit"}

// forData are the files that only data on a disk of their own need.
var forData = []string{
	"data.mount", "data.unit", "data.sh", "schema", "amigo-data.pl", "amigo-data-update.unit", "amigo-data-update.timer",
}

// forOwnJetty are the files that a guest needs whose distribution has no
// package of Jetty.
var forOwnJetty = []string{"jetty.unit", "sysusers.conf"}

// Files returns the files that serve the site.
func Files(s Site) (fileset.Set, error) {
	set := fileset.Set{}
	for name, place := range s.placed() {
		content, err := render(name, s)
		if err != nil {
			return nil, err
		}
		file := fileset.Text(place, content)
		if name == "motd.sh" || name == "amigo-data.pl" {
			file.Mode = 0o755
		}
		set.Add(file)
	}
	set.Add(s.enabled()...)
	for unit, at := range s.units() {
		set.Add(fileset.Symlink("/etc/systemd/system/multi-user.target.wants/"+unit, at+unit))
	}
	if s.Web().Unit != apacheUnit {
		// The services have the same names everywhere.
		set.Add(fileset.Symlink("/etc/systemd/system/"+apacheUnit, "/usr/lib/systemd/system/"+s.Web().Unit))
	}
	set.Add(fileset.Symlink("/etc/systemd/system/timers.target.wants/amigo-status.timer", "/etc/systemd/system/amigo-status.timer"))
	set.Add(fileset.Symlink("/etc/systemd/system/local-fs.target.wants/tmp.mount", "/etc/systemd/system/tmp.mount"))
	if s.Apart {
		set.Add(fileset.Dir(DataHome, 0o755, ""), fileset.Dir(DataMount, 0o755, ""))
	}
	for _, name := range []string{"", "/sessions", "/sessions/scratch", "/cache", "/log"} {
		set.Add(fileset.Dir(settings.WorkingPath+name, 0o750, s.Web().User))
	}
	return set, nil
}

// units are what starts with the guest, and where each comes from. A base has
// the services of its packages switched off.
func (s Site) units() map[string]string {
	started := map[string]string{
		s.Web().Unit:     "/lib/systemd/system/",
		"jetty9.service": "/lib/systemd/system/",
	}
	if !s.System().Jetty {
		started["jetty9.service"] = "/etc/systemd/system/"
	}
	if s.Serve == Workers {
		started["amigo-workers.service"] = "/etc/systemd/system/"
	}
	if s.Apart {
		started["amigo-data.service"] = "/etc/systemd/system/"
	}
	return started
}

// apacheUnit is the name that Apache's unit has for who looks after a machine.
const apacheUnit = "apache2.service"

// enabled are the links by which Apache serves the site.
func (s Site) enabled() []fileset.File {
	var links []fileset.File
	if at := s.Web().Enabled; at != "" {
		links = append(links, fileset.Symlink(at, "../sites-available/amigo.conf"))
	}
	if dir := s.Web().Modules; dir != "" {
		for _, module := range modules(s.Serve) {
			links = append(links, fileset.Symlink(path.Join(dir, module), "../mods-available/"+module))
		}
	}
	return links
}

// Load are the names of the modules that the site loads itself, as Apache calls them.
func (s Site) Load() []string {
	if s.Web().Load == "" {
		return nil
	}
	names := []string{"proxy", "proxy_http", "headers", "rewrite", "include"}
	if s.Serve == CGI {
		names = append(names, "cgid")
	}
	return names
}

// modules are those of Apache that Debian does not enable by itself.
func modules(serve string) []string {
	all := []string{"proxy.load", "proxy.conf", "proxy_http.load", "headers.load", "rewrite.load", "include.load"}
	if serve == CGI {
		all = append(all, "cgid.load", "cgid.conf")
	}
	return all
}

func render(name string, s Site) (string, error) {
	source, err := files.ReadFile("files/" + name)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if strings.HasSuffix(name, ".html") {
		var page *template.Template
		if page, err = template.New(name).Parse(string(source)); err == nil {
			err = page.Execute(&out, s)
		}
	} else {
		var file *text.Template
		if file, err = text.New(name).Parse(string(source)); err == nil {
			err = file.Execute(&out, s)
		}
	}
	if err != nil {
		return "", fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.String(), nil
}

// Recipe returns what decides [Files] besides the site itself.
func Recipe() string {
	all := strings.Join(append(bounds(), allowedQuery, wellFormed, Site{}.Policy()), "\n")
	places := Site{Serve: Workers, Guest: &distro.Distro{}, Apart: true}.placed()
	for _, name := range slices.Sorted(maps.Keys(places)) {
		content, err := files.ReadFile("files/" + name)
		if err != nil {
			panic(err) // the file is part of this program
		}
		all += name + places[name] + string(content)
	}
	return all
}
