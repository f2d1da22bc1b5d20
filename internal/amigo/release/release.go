// Package release reads what AmiGO is told of the data it serves: when GOlr was
// loaded, and under which DOI the data were released.
package release

import (
	"regexp"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
)

// Release is what is known of the data. Unknown things are "".
type Release struct {
	Loaded string // time of the last load, as the loader wrote it
	DOI    string
	log    string
	record string
}

// Read reads the loader's log (lines of kind, version, time and file, divided
// by tabs) and the record of the release's DOI. Either path may be "".
func Read(timestampLog, releaseDOI string) (Release, error) {
	log, err := text("TimestampLog", timestampLog)
	if err != nil {
		return Release{}, err
	}
	record, err := text("ReleaseDOI", releaseDOI)
	if err != nil {
		return Release{}, err
	}
	return of(log, record, timestampLog, releaseDOI)
}

// Of is [Read] for the texts of both.
func Of(log, record string) (Release, error) {
	return of(log, record, "golr_timestamp.log", "release-archive-doi.json")
}

// of reads texts that are called so in errors.
func of(log, record, logName, recordName string) (Release, error) {
	r := Release{log: log, record: record, Loaded: latest(log), DOI: doi.FindString(record)}
	switch {
	case r.log != "" && r.Loaded == "":
		return Release{}, field.Errorf("TimestampLog", "%s has no line of four fields divided by tabs: kind, version, time, file", logName)
	case r.record != "" && r.DOI == "":
		return Release{}, field.Errorf("ReleaseDOI", "%s holds no DOI (10.…/…)", recordName)
	case strings.ContainsAny(r.Loaded+r.DOI, `'\`):
		return Release{}, field.Errorf("GOlr", "the date %q or the DOI %q holds an apostrophe or a backslash, which AmiGO cannot take", r.Loaded, r.DOI)
	}
	return r, nil
}

func text(name, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return "", field.Wrap(name, err)
	}
	return string(b), nil
}

func latest(log string) string {
	last := ""
	for _, line := range strings.Split(log, "\n") {
		if fields := strings.Split(line, "\t"); len(fields) == 4 && fields[2] > last {
			last = fields[2]
		}
	}
	return last
}

var (
	doi    = regexp.MustCompile(`10\.[0-9a-zA-Z]+/[^\s"&']+\b`)
	zenodo = regexp.MustCompile(`zenodo.(\d+)`)
	date   = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)
)

// Zenodo returns the number of the DOI's record at Zenodo, or "".
func (r Release) Zenodo() string {
	if found := zenodo.FindStringSubmatch(r.DOI); found != nil {
		return found[1]
	}
	return ""
}

// Date returns the day of the last load as YYYY-MM-DD, or "".
func (r Release) Date() string { return date.FindString(r.Loaded) }

// Log returns the loader's log as it was read, or "".
func (r Release) Log() string { return r.log }

// Record returns the record of the DOI as it was read, or "".
func (r Release) Record() string { return r.record }
