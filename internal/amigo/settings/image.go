package settings

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Where things are in the image.
const (
	Root        = "/srv/amigo"                  // AmiGO's own tree
	Programs    = Root + "/perl/bin"            // its CGI programs
	WorkingPath = "/var/lib/amigo"              // what it writes, and what it knows of the data
	StaticURL   = "/static"                     // where Apache serves Root/static
	GOlrURL     = "/solr/"                      // where Apache lets browsers search
	GOlrPrivate = "http://127.0.0.1:8080/solr/" // where Solr listens
)

// image is what makes an instance work under any address: no host name is in
// its pages or bundles.
var image = map[string]string{
	"AMIGO_ROOT":                 Root,
	"AMIGO_DYNAMIC_PATH":         Programs,
	"AMIGO_DYNAMIC_URL":          "",
	"AMIGO_STATIC_PATH":          Root + "/static",
	"AMIGO_STATIC_URL":           StaticURL,
	"AMIGO_WORKING_PATH":         WorkingPath,
	"AMIGO_PUBLIC_GOLR_URL":      GOlrURL,
	"AMIGO_PUBLIC_GOLR_BULK_URL": GOlrURL,
	"AMIGO_PRIVATE_GOLR_URL":     GOlrPrivate,
	"AMIGO_GOOGLE_ANALYTICS_ID":  "",
	"AMIGO_SERVER_NAME":          "",
	"AMIGO_BETA":                 "0",
	"AMIGO_VERBOSE":              "0",
}

// fixed are the settings that an image cannot leave to its user.
var fixed = map[string]string{
	"AMIGO_ROOT":                "the image has AmiGO at " + Root,
	"AMIGO_DYNAMIC_PATH":        "the image has AmiGO at " + Root,
	"AMIGO_STATIC_PATH":         "the image has AmiGO at " + Root,
	"AMIGO_STATIC_URL":          "the image serves it at " + StaticURL,
	"AMIGO_WORKING_PATH":        "the image has it at " + WorkingPath,
	"AMIGO_GOOGLE_ANALYTICS_ID": "an image that others run must not report to you",
}

// ForImage returns the settings that an image of AmiGO is built with: the
// source's defaults, the image's needs, the user's wishes, in rising order.
func ForImage(source Instance, user map[string]string) (Instance, error) {
	var faults []error
	for name := range user {
		if why, ok := fixed[name]; ok {
			faults = append(faults, fmt.Errorf("%s: cannot be set: %s", name, why))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	i, err := source.With(source.only(image))
	if err != nil {
		return nil, err
	}
	if i, err = i.With(i.metadata()); err != nil {
		return nil, err
	}
	if i, err = i.With(user); err != nil {
		return nil, err
	}
	i["AMIGO_COUNTER_URL"] = silence
	return i, nil
}

// silence is the one value that keeps AmiGO's JavaScript build from telling
// its authors that it ran. An absent or empty one means their address, any
// text is an address; what is not text is neither.
var silence = Setting{
	Comment: "Not an address, so that nothing is told of this build.",
	Type:    "boolean",
	Value:   integer("1"),
}

// Server is what only AmiGO's own programs need otherwise than the bundles of
// the same build. They reach GOlr directly; and while the bundles are the same
// in every variant, an image for development keeps the source's own defaults
// for what is meant for developers.
func Server(source Instance, user map[string]string) map[string]string {
	server := map[string]string{
		"AMIGO_PUBLIC_GOLR_URL": GOlrPrivate,
		"AMIGO_BETA":            source.Text("AMIGO_BETA"),
		"AMIGO_VERBOSE":         source.Text("AMIGO_VERBOSE"),
	}
	for name := range server {
		if _, ok := user[name]; ok {
			delete(server, name)
		}
	}
	return source.only(server)
}

func (i Instance) only(values map[string]string) map[string]string {
	known := map[string]string{}
	for name, value := range values {
		if _, ok := i[name]; ok {
			known[name] = value
		}
	}
	return known
}

// metadata points the source's own descriptions of GOlr's documents, which its
// defaults have in somebody's home, to where they are in the image.
func (i Instance) metadata() map[string]string {
	var moved []string
	for _, file := range i.List("GOLR_METADATA_LIST") {
		moved = append(moved, inImage(file))
	}
	return i.only(map[string]string{
		"GOLR_METADATA_LIST":              strings.Join(moved, " "),
		"GOLR_METADATA_ONTOLOGY_LOCATION": inImage(i.Text("GOLR_METADATA_ONTOLOGY_LOCATION")),
	})
}

func inImage(file string) string {
	if path.Base(path.Dir(file)) != "metadata" {
		return file
	}
	return path.Join(Root, "metadata", path.Base(file))
}

// Origins returns the other hosts that the user's settings let pages load from,
// like "https://example.org", in alphabetical order.
func Origins(user map[string]string) []string {
	found := map[string]bool{}
	for _, name := range []string{"AMIGO_DYNAMIC_URL", "AMIGO_PUBLIC_GOLR_URL", "AMIGO_PUBLIC_GOLR_BULK_URL", "GO_API_URL"} {
		if origin := originOf(user[name]); origin != "" {
			found[origin] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// host is a name or an address with, perhaps, a port. Nothing else may get into
// a header.
var host = regexp.MustCompile(`^[\w.:\[\]-]+$`)

// originOf returns the origin of an address on the web, or "".
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !host.MatchString(u.Host) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
