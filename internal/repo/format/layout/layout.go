// Package layout is how an image repository is laid out: where things lie, and
// what the documents hold that its readers and its publisher share. All of it
// is static files.
//
//	index.html  servers.html  feed.atom      for people; not trusted
//	screenshot.png                           on their pages
//	channels.json                            for scripts; not trusted
//	<channel>/index.html  <channel>/servers.html  <channel>/feed.atom
//	metadata/N.root.json  N.targets.json  N.<channel>.json  N.snapshot.json
//	metadata/timestamp.json                  the one file that is trusted and changes
//	versions/<version>/manifest.json  SHA256SUMS  SHA256SUMS.minisig
//	versions/<version>/amigo-<version>-<variant>.qcow2  .raw.zst  .chunks  ...
//	minisign.pub  root.json                  what a newcomer pins
//
// Everything below versions and metadata but timestamp.json is written once
// and never changed.
package layout

import (
	"fmt"
	"path"
	"regexp"
	"slices"
)

// Places in a repository.
const (
	MetadataDir    = "metadata"
	VersionsDir    = "versions"
	StateDir       = "state"         // of publishers: locks, tombstones
	ChannelsFile   = "channels.json" // what is in each channel, for scripts
	PageFile       = "index.html"
	ServersFile    = "servers.html" // what of the page is for servers and clouds
	FeedFile       = "feed.atom"
	MinisignFile   = "minisign.pub"
	ScreenshotFile = "screenshot.png" // of AmiGO, for the page
	RootFile       = "root.json"      // a copy of the newest root, to pin
)

// Names in the directory of a version.
const (
	ManifestFile  = "manifest.json"
	SumsFile      = "SHA256SUMS"
	SignatureFile = "SHA256SUMS.minisig"
)

// pointerFile is a target whose content never changes; the channel's state is
// in what is signed of it.
const pointerFile = "channel.json"

// PointerBody is the content of every channel's target.
const PointerBody = `{"see": "the signed metadata of this target holds the channel's state"}` + "\n"

var (
	plainName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	productName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	versionName = regexp.MustCompile(`^[0-9][A-Za-z0-9._+-]{0,63}$`)
	reserved    = []string{MetadataDir, VersionsDir, StateDir, "root", "targets", "snapshot", "timestamp"}
)

// CheckChannel returns an error that says why name is not a valid channel name.
func CheckChannel(name string) error {
	if slices.Contains(reserved, name) {
		return fmt.Errorf("%q cannot be the name of a channel: the repository uses it itself", name)
	}
	if !plainName.MatchString(name) {
		return fmt.Errorf("%q is not a valid channel name: lower-case letters, digits and dashes, a letter first", name)
	}
	return nil
}

// CheckVariant returns an error that says why name is not a valid name of a variant.
func CheckVariant(name string) error {
	if !plainName.MatchString(name) {
		return fmt.Errorf("%q is not a valid variant: lower-case letters, digits and dashes, a letter first", name)
	}
	return nil
}

// CheckVersion returns an error that says why name is not a valid version name.
// Versions begin with a digit, so none is taken for a channel.
func CheckVersion(name string) error {
	if !versionName.MatchString(name) {
		return fmt.Errorf("%q is not a valid version: a digit first, then letters, digits and ._+- only", name)
	}
	return nil
}

// CheckProduct returns an error that says why files' names can't begin with
// name.
func CheckProduct(name string) error {
	if !productName.MatchString(name) {
		return fmt.Errorf("%q can't begin the name of a file (letters, digits, \".\", \"-\" and \"_\" can)", name)
	}
	return nil
}

// Metadata returns the path of a file of the signed metadata.
func Metadata(name string) string { return path.Join(MetadataDir, name) }

// Version returns the path of a file of a version, or of its directory.
func Version(version string, name ...string) string {
	return path.Join(append([]string{VersionsDir, version}, name...)...)
}

// Pointer returns the path of a channel's target.
func Pointer(channel string) string { return path.Join(channel, pointerFile) }

// FileName returns the name that a file of an image gets when it is published,
// such as "amigo-2026-11-22-distribution.qcow2".
func FileName(product, version, variant, suffix string) string {
	return product + "-" + version + "-" + variant + suffix
}
