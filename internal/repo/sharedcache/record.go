package sharedcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
)

// entry is which entry of a cache is meant.
type entry struct{ kind, key, phase string }

// record returns the path of the entry's record in the store.
func (e entry) record() string { return path.Join(e.kind, e.key+".json") }

// record says which archive an entry is in.
type record struct {
	Version int    `json:"version"`
	Entry   string `json:"entry"` // kind/key: a record is that of one entry
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"` // bytes
}

// archive returns the path of the archive in the store.
func (r record) archive() string { return path.Join("archives", r.SHA256+".tar.zst") }

const (
	// format is the version of records. Whoever makes other archives raises it.
	format = 1
	// maxArchive is how large an archive may be, in bytes.
	maxArchive = 64 << 30
)

// errNewer says that a newer program has made an entry.
var errNewer = errors.New("its record is for a newer version of this program")

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parse reads the record of an entry. Nothing in it is trusted to lead elsewhere.
func parse(content []byte, e entry) (record, error) {
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return record{}, fmt.Errorf("its record cannot be read: %w", err)
	}
	switch {
	case r.Version > format:
		return record{}, errNewer
	case r.Version < 1:
		return record{}, errors.New("its record has no version")
	case r.Entry != path.Join(e.kind, e.key):
		return record{}, errors.New("its record is that of another entry")
	case !digest.MatchString(r.SHA256):
		return record{}, errors.New("its record has no SHA-256")
	case r.Size < 1 || r.Size > maxArchive:
		return record{}, fmt.Errorf("its record has a size of %d bytes", r.Size)
	}
	return r, nil
}
