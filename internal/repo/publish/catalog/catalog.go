// Package catalog makes the pages of an image repository: what is in each
// channel, how to get it, to check it and to run it, for a person with a
// browser; and Atom feeds. They are static files that need no script, no other
// host and, but for the commands on them, no web server.
package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/printable"
)

// Options is what the pages say besides the catalog.
type Options struct {
	// BaseURL is where the public finds the repository. Without it the pages
	// leave out what needs an address: links are relative anyway.
	BaseURL string
	// PublicKey is the minisign key of the checksums, the line "RW...".
	PublicKey string
	// Identity names the repository, in one word that never changes.
	Identity string
	// RootSHA256 is the digest of root.json, hexadecimal.
	RootSHA256 string
	// Changes has what is new in a version, by its name.
	Changes map[string]changes.Changes
	// Publisher is who publishes; without it, the host of BaseURL is named.
	Publisher string
	// Screenshot is of AmiGO as it runs. Without one the pages show none.
	Screenshot Screenshot
	// Issues is where people ask the publisher for help. Without it the pages
	// name no place.
	Issues string
}

// project is where this program comes from.
const project = "https://github.com/geneontology/packer-plugin-amigo"

// File is a file of the repository.
type File struct {
	Path    string // relative to the repository's root, with slashes
	Content []byte
}

// Render returns the pages and feeds of a repository: those of all channels
// together and those of each. It is the same for the same input.
func Render(c layout.Catalog, o Options) ([]File, error) {
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	if lines := strings.Fields(o.PublicKey); len(lines) > 0 {
		o.PublicKey = lines[len(lines)-1] // of a whole .pub file
	}
	site := site{catalog: c, options: o}
	var files []File
	for _, name := range slices.Concat([]string{""}, channelNames(c)) {
		page, err := site.page(name, false)
		if err != nil {
			return nil, err
		}
		servers, err := site.page(name, true)
		if err != nil {
			return nil, err
		}
		feed, err := site.feed(name)
		if err != nil {
			return nil, err
		}
		files = append(files,
			File{path.Join(name, layout.PageFile), shown(page)},
			File{path.Join(name, layout.ServersFile), shown(servers)},
			File{path.Join(name, layout.FeedFile), shown(feed)})
	}
	return files, nil
}

// shown escapes what older publishers let into the metadata: characters that
// turn the order of what a person reads.
func shown(page []byte) []byte { return []byte(printable.Escape(string(page))) }

// site is what all pages are made from.
type site struct {
	catalog layout.Catalog
	options Options
}

func channelNames(c layout.Catalog) []string {
	var names []string
	for _, channel := range c.Channels {
		names = append(names, channel.Channel)
	}
	return names
}

func (s site) version(name string) (layout.VersionManifest, bool) {
	for _, v := range s.catalog.Versions {
		if v.Version == name {
			return v, true
		}
	}
	return layout.VersionManifest{}, false
}

// url returns the public address of a file of the repository, or if the
// repository has none its path as seen from root, "" or "../".
func (s site) url(root, file string) string {
	if s.options.BaseURL == "" {
		return root + address.EscapePath(file)
	}
	return s.options.BaseURL + "/" + address.EscapePath(file)
}
