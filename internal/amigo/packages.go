// Package amigo is the way from an AmiGO's source and a GOlr index to the files
// of an image that serves them. Its rooms: source brings the source here,
// settings renders conf/amigo.yaml, bundle builds, golr makes the index, site
// renders what serves it, deploy brings the difference to a guest.
package amigo

import "slices"

// Packages returns the names of the Debian packages that an image needs to
// build and to serve AmiGO and GOlr.
func Packages() []string { return slices.Clone(packages) }

// packages follows AmiGO's own container image, with the Perl modules that it
// forgets, and without what an image has no use for.
var packages = []string{
	"apache2",
	"ca-certificates",
	"curl",
	"default-jre-headless",
	"git",
	"iproute2",
	"jetty9",
	"libcgi-application-dispatch-perl",
	"libcgi-application-perl",
	"libcgi-application-plugin-forward-perl",
	"libcgi-application-plugin-session-perl",
	"libcgi-application-plugin-tt-perl",
	"libcgi-application-server-perl",
	"libcgi-compile-perl",
	"libcgi-emulate-psgi-perl",
	"libclone-perl",
	"libconfig-yaml-perl",
	"libdata-formvalidator-perl",
	"libdbd-mysql-perl",
	"libdbd-sqlite3-perl",
	"libdbi-perl",
	"libfile-slurp-perl",
	"libfile-type-perl",
	"libfreezethaw-perl",
	"libgraph-perl",
	"libgraphviz-perl",
	"libjson-perl",
	"libjson-xs-perl",
	"libossp-uuid-perl",
	"libplack-perl",
	"libsql-tokenizer-perl",
	"libtemplate-perl",
	"libtimedate-perl",
	"liburi-encode-perl",
	"liburi-perl",
	"libwww-mechanize-perl",
	"libwww-perl",
	"libxml-libxml-perl",
	"libxml-xpath-perl",
	"libyaml-perl",
	"logrotate",
	"make",
	"nodejs",
	"npm",
	"rsync",
	"starman",
	"sudo",
	"zstd",
}
