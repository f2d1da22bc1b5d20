package catalog

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"sync"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// The parts of a page. The style and the script are in every page, so that it
// can be saved and carried.
var (
	//go:embed files/page.html
	pageHTML string
	//go:embed files/systems.html
	systemsHTML string
	//go:embed files/servers.html
	serversHTML string
	//go:embed files/release.html
	releaseHTML string
	//go:embed files/page.css
	style string
	//go:embed files/page.js
	script string
)

// pages is parsed when a page is made: most commands make none.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(words).Parse(pageHTML + systemsHTML + serversHTML + releaseHTML))
})

// page is what a page shows.
type page struct {
	Title      string
	Feed       string // title of the feed, and of the page that it tells of
	Servers    bool   // the page of what is for servers and clouds
	Root       string // relative path of the repository's root: "" or "../"
	Base       string // public address, without a slash at its end, or ""
	Updated    time.Time
	Key        string // of minisign
	TUF        string // digest of root.json
	Publisher  string // a name, the host of the public address, or ""
	Screenshot Screenshot
	Issues     string // where people ask for help, or ""
	Project    string // where amigo-image comes from
	Policy     string
	Style      template.CSS
	Script     template.JS
	Index      bool
	Channels   []state
	Shown      *release // nil: nothing is there to show
	Starts     []start  // of the image for who does not know which
	Rows       []row
	More       int // versions that the page does not tell
	Nights     []layout.Night
	Gone       []layout.Tombstone
	Going      []layout.Tombstone
}

// state is where a channel is.
type state struct {
	layout.Channel
	Release *release // nil: the channel is at no version that is there
}

// row is a line of the table of all versions.
type row struct {
	release
	Channels []string // that are at it
	Revoked  string   // why nobody should use it
}

// page returns the page of a channel, or that of all if name is "": the one
// with the download, or the one of what is for servers and clouds.
func (s site) page(name string, servers bool) ([]byte, error) {
	p := page{
		Feed: "AmiGO virtual machines", Index: name == "", Servers: servers,
		Base: s.options.BaseURL, Key: s.options.PublicKey, TUF: s.options.RootSHA256,
		Publisher: s.named(), Screenshot: s.options.Screenshot, Issues: s.options.Issues, Project: project,
		Updated: s.catalog.Updated.UTC(),
		Style:   template.CSS(style), Script: template.JS(script), //nolint:gosec // they are ours
		Policy: policy(),
		Nights: s.catalog.Nights[:min(len(s.catalog.Nights), maxNights)],
	}
	if name != "" {
		p.Root, p.Feed = "../", p.Feed+": "+name
	}
	p.Title = p.Feed
	if servers {
		p.Title += ", on servers and in clouds"
	}
	p.fill(s, name)
	var out bytes.Buffer
	if err := pages().Execute(&out, p); err != nil {
		return nil, fmt.Errorf("writing the page of %q: %w", name, err)
	}
	return out.Bytes(), nil
}

// What a page tells at most: it has to stay small for slow networks.
const (
	maxNights   = 14
	maxRows     = 30
	maxMoves    = 30
	maxPackages = 60
	maxCommits  = 10
	maxSubject  = 100
	maxCVEs     = 4 // of a package, and packages with the same
)

// policy forbids everything but the style and the script of the page.
func policy() string {
	digest := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(script) +
		"; img-src data: 'self' file:; base-uri 'none'; form-action 'none'"
}

// fill takes from the catalog what the page of a channel shows.
func (p *page) fill(s site, name string) {
	for _, channel := range s.catalog.Channels {
		one := state{Channel: channel}
		if v, ok := s.version(channel.Version); ok {
			r := s.release(p.Root, channel, v)
			one.Release = &r
		}
		p.Channels = append(p.Channels, one)
		if p.Shown == nil && (name == "" || name == channel.Channel) {
			p.Shown = one.Release
		}
	}
	if p.Shown != nil {
		p.Starts = s.starts(*p.Shown)
	}
	p.More = max(len(s.catalog.Versions)-maxRows, 0)
	for _, v := range s.catalog.Versions[:len(s.catalog.Versions)-p.More] {
		p.Rows = append(p.Rows, s.row(p.Root, v))
	}
	for _, t := range s.catalog.Withdrawn {
		if t.Done {
			p.Gone = append(p.Gone, t)
		} else {
			p.Going = append(p.Going, t)
		}
	}
}

func (s site) row(root string, v layout.VersionManifest) row {
	r := row{release: s.release(root, layout.Channel{}, v)}
	for _, channel := range s.catalog.Channels {
		if channel.Version == v.Version {
			r.Channels = append(r.Channels, channel.Channel)
		}
		if why, ok := channel.Revoked[v.Version]; ok {
			r.Revoked = why
		}
	}
	return r
}

// Help tells whether it is known who publishes or who is asked.
func (p page) Help() bool { return p.Publisher != "" || p.Issues != "" }

// News are the changes of the version shown, or nil.
func (p page) News() *changes.Changes {
	if p.Shown == nil {
		return nil
	}
	return p.Shown.Changes
}
