package catalog

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/feeds"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

// maxEntries is how many moves a feed tells.
const maxEntries = 50

// move is an entry of a feed.
type move struct {
	channel string
	layout.Move
}

// feed returns the Atom feed of a channel, or that of all if name is "".
func (s site) feed(name string) ([]byte, error) {
	title := "AmiGO virtual machines"
	if name != "" {
		title += ": " + name
	}
	moves := s.moves(name)
	updated := s.catalog.Updated
	if len(moves) > 0 {
		updated = moves[0].At
	}
	root := ""
	if name != "" {
		root = "../"
	}
	file := path.Join(name, layout.FeedFile)
	document := (&feeds.Atom{Feed: &feeds.Feed{
		Title: title, Description: "Versions of virtual machines of the Gene Ontology's AmiGO",
		Link:    &feeds.Link{Href: s.url(root, file), Rel: "self"},
		Author:  &feeds.Author{Name: s.publisher()},
		Updated: updated.UTC(),
	}}).AtomFeed()
	document.Id = s.id(file)
	for _, m := range moves {
		document.Entries = append(document.Entries, s.entry(root, m))
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing the feed of %q: %w", name, err)
	}
	return append(out.Bytes(), '\n'), nil
}

// publisher is who offers the images: the host of the public address, or what
// is known of a repository without one.
func (s site) publisher() string {
	return cmp.Or(s.named(), "the publisher of "+s.catalog.Product)
}

// named is the publisher by name or else by host, or "".
func (s site) named() string { return cmp.Or(s.options.Publisher, s.host()) }

// host is that of the public address, or "".
func (s site) host() string {
	u, err := url.Parse(s.options.BaseURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// id is an absolute identifier that stays the same: the public address, or the
// repository's own name where there is none.
func (s site) id(file string) string {
	if s.options.BaseURL == "" {
		return "urn:amigo-image:" + s.options.Identity + ":" + address.EscapePath(file)
	}
	return s.url("", file)
}

// moves returns those of a channel, or of all, the newest first.
func (s site) moves(name string) []move {
	var moves []move
	for _, channel := range s.catalog.Channels {
		if name != "" && channel.Channel != name {
			continue
		}
		for _, m := range channel.History {
			moves = append(moves, move{channel.Channel, m})
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return b.At.Compare(a.At) })
	return moves[:min(len(moves), maxEntries)]
}

func (s site) entry(root string, m move) *feeds.AtomEntry {
	entry := &feeds.AtomEntry{
		Title:   fmt.Sprintf("%s is %s (%s)", m.channel, m.Version, actions[m.Action]),
		Id:      s.id(m.channel+"/") + fmt.Sprintf("#%d", m.Sequence),
		Updated: m.At.UTC().Format(time.RFC3339),
		Links:   []feeds.AtomLink{{Href: s.url(root, m.channel+"/"+layout.PageFile), Rel: "alternate", Type: "text/html"}},
		Content: &feeds.AtomContent{Type: "html", Content: s.story(m)},
	}
	v, ok := s.version(m.Version)
	if !ok {
		return entry
	}
	if disk := s.release("", layout.Channel{}, v).Primary().Qcow2; disk.Name != "" {
		entry.Links = append(entry.Links, feeds.AtomLink{
			Href: s.url(root, v.Path(disk.Name)), Rel: "enclosure",
			Type: "application/octet-stream", Length: fmt.Sprint(disk.Size),
		})
	}
	return entry
}

// story tells a move in HTML.
func (s site) story(m move) string {
	var text strings.Builder
	paragraph := func(format string, args ...any) {
		text.WriteString("<p>" + html.EscapeString(fmt.Sprintf(format, args...)) + "</p>")
	}
	if m.By != "" {
		paragraph("By %s.", m.By)
	}
	if m.Reason != "" {
		paragraph("%s", m.Reason)
	}
	if v, ok := s.version(m.Version); ok {
		r := s.release("", layout.Channel{}, v)
		if r.Example() {
			paragraph("Example data, not a GO release: do not cite.")
		}
		paragraph("%s, GO data %s.", v.AmiGO.Title(), cmp.Or(v.GOlr.Date, "of unknown date"))
	}
	if c, ok := s.options.Changes[m.Version]; ok {
		system := ""
		if moved := c.System.Moved(); moved != "" {
			system = "system: " + moved + "; "
		}
		paragraph("Since %s: %spackages: %s.", c.From.Name, system, c.Packages.Summary())
		if doubt := c.Packages.Doubt(); doubt != "" {
			paragraph("%s.", doubt)
		}
	}
	return text.String()
}
