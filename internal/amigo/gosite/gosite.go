// Package gosite finds releases of the Gene Ontology where GO publishes them, or in what is
// laid out like that, and brings their index here.
//
// Where things lie was read in AmiGO's README (the index), in
// https://github.com/geneontology/pipeline (the log, the date and the record of the DOI)
// and in GO's announcements of releases (the dated addresses).
package gosite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/host/cache"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Current is the name of the newest release.
const Current = "current"

// Where GO publishes the newest release, and each by its date.
const (
	currentAddress = "https://current.geneontology.org"
	datedAddress   = "https://release.geneontology.org/"
)

// What a release has, below its address.
const (
	indexPath  = "products/solr/golr-index-contents.tgz"
	logPath    = "products/solr/golr_timestamp.log"
	recordPath = "metadata/release-archive-doi.json"
	datePath   = "metadata/release-date.json"
)

// small limits what is not the index, in bytes.
const small = 1 << 20

var date = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// Release is a release as it is published.
type Release struct {
	Date   string // of the release, YYYY-MM-DD
	Log    string // of the loader: what is in the index, and when it was loaded
	Record string // of its DOI, JSON
	Size   int64  // of the archive with the index, in bytes

	version string // of that archive
	from    origin.Origin
}

// Validate says what is wrong with the name of a release: "current", a date, an address or a
// directory.
func Validate(name string) error {
	_, err := open(name)
	return err
}

// open looks nothing up yet.
func open(name string) (origin.Origin, error) {
	at, err := locate(name)
	if err != nil {
		return nil, field.Wrap("GOlr.Release", err)
	}
	if err := encrypted(at); err != nil {
		return nil, field.Wrap("GOlr.Release", err)
	}
	o, err := origin.Open(at)
	return o, field.Wrap("GOlr.Release", err)
}

// encrypted refuses what anybody on the way could change: there are no checksums.
func encrypted(at string) error {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" {
		return nil //nolint:nilerr // origin says what is wrong with it
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s is not encrypted, and a release has no checksums (try: https)", address.Shown(at))
}

// locate returns where a release is.
func locate(name string) (string, error) {
	switch {
	case name == Current:
		return currentAddress, nil
	case date.MatchString(name):
		if _, err := time.Parse(time.DateOnly, name); err != nil {
			return "", fmt.Errorf("%q is no day of the calendar", name)
		}
		return datedAddress + name, nil
	case strings.ContainsAny(name, "/."):
		return name, nil
	}
	return "", fmt.Errorf("%q is neither %q, nor a date like \"2026-10-07\", nor an address or a directory", name, Current)
}

// MissingError says that there is no such release, or not all of it.
type MissingError struct {
	Name, URL string
	Err       error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("there is no release %s of the Gene Ontology, or it is not complete: %s is missing", e.Name, e.URL)
}

func (e *MissingError) Unwrap() error { return e.Err }

// Fault implements [fault.Reporter].
func (e *MissingError) Fault() fault.Report {
	return fault.Report{What: e.Error(), Code: fault.NotFound}
}

// OtherError says that the parts of a release do not belong together.
type OtherError struct{ Name, Why string }

func (e *OtherError) Error() string {
	return fmt.Sprintf("the release %s of the Gene Ontology is not what it should be: %s", e.Name, e.Why)
}

// Fault implements [fault.Reporter].
func (e *OtherError) Fault() fault.Report { return fault.Report{What: e.Error(), Code: fault.Verify} }

// Find looks a release up. It reads all but the index. The error is a [*MissingError], an
// [*OtherError], or one of package origin.
func Find(ctx context.Context, name string) (Release, error) {
	from, err := open(name)
	if err != nil {
		return Release{}, err
	}
	r := Release{from: from}
	var said string
	for _, file := range []struct {
		path string
		to   *string
	}{{datePath, &said}, {logPath, &r.Log}, {recordPath, &r.Record}} {
		content, err := r.from.Fetch(ctx, file.path, small)
		if err != nil {
			return r, missing(name, r.from.URL(file.path), err)
		}
		*file.to = string(content)
	}
	described, err := origin.Describe(ctx, r.from, indexPath)
	if err != nil {
		return r, missing(name, r.from.URL(indexPath), err)
	}
	r.Size, r.version = described.Size, described.Version
	r.Date, err = released(said)
	if err == nil {
		err = r.check(name)
	}
	return r, err
}

func missing(name, url string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingError{Name: name, URL: url, Err: err}
	}
	return fmt.Errorf("looking for the release %s of the Gene Ontology: %w", name, err)
}

// released reads release-date.json.
func released(text string) (string, error) {
	var file struct{ Date string }
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return "", fmt.Errorf("reading %s: %w", datePath, err)
	}
	if !date.MatchString(file.Date) {
		return "", fmt.Errorf("reading %s: %q is not a date", datePath, file.Date)
	}
	return file.Date, nil
}

// A release is dated on the day on which its build began, and loaded some days later.
const (
	earliest = -31 * 24 * time.Hour
	latest   = 62 * 24 * time.Hour
)

// day is the date in a line of the loader's log.
var day = regexp.MustCompile(`\t(\d{4}-\d{2}-\d{2})[ T]`)

// check finds out whether the parts belong together.
func (r Release) check(name string) error {
	if date.MatchString(name) && r.Date != name {
		return &OtherError{Name: name, Why: "it says that it is of " + r.Date}
	}
	of, err := time.Parse(time.DateOnly, r.Date)
	if err != nil {
		return &OtherError{Name: name, Why: "it is dated " + r.Date}
	}
	loads := day.FindAllStringSubmatch(r.Log, -1)
	if len(loads) == 0 {
		return &OtherError{Name: name, Why: "its loader's log has no dates"}
	}
	for _, load := range loads {
		at, err := time.Parse(time.DateOnly, load[1])
		if err != nil || at.Sub(of) < earliest || at.Sub(of) > latest {
			return &OtherError{Name: name, Why: fmt.Sprintf("it is of %s, and its index was loaded on %s", r.Date, load[1])}
		}
	}
	return nil
}

// Digest tells releases apart, as far as that is known before the index is read.
func (r Release) Digest() string {
	return cache.Key(r.Date, r.Log, r.Record, fmt.Sprint(r.Size), r.version)
}
