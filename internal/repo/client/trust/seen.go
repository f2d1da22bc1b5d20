package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

const (
	seenFile   = "seen.json"
	seenSchema = 1
)

// seen is what a client remembers of a repository besides the metadata itself,
// so that nobody rolls it back by destroying that.
type seen struct {
	Schema   int       `json:"schema"`
	URL      string    `json:"url"`
	Pinned   time.Time `json:"pinned"`
	Looked   bool      `json:"looked"` // since then with success
	Anchor   anchor    `json:"anchor"`
	Root     int64     `json:"root"` // newest
	Keys     string    `json:"keys"` // of timestamp and snapshot, when Versions were seen
	Versions versions  `json:"versions"`
	// Sequences are the highest of each channel.
	Sequences map[string]int64 `json:"sequences"`
}

// anchor is the root with which trust began.
type anchor struct {
	Version int64  `json:"version"`
	SHA256  string `json:"sha256"`
}

// versions are the highest of each role.
type versions map[string]int64

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// readSeen reads what was seen.
func (s *session) readSeen() {
	content := s.client.read(seenFile)
	if content != nil {
		if err := json.Unmarshal(content, &s.seen); err != nil || s.seen.Schema != seenSchema {
			s.seen = seen{}
			s.quarantine(seenFile)
		}
	}
	s.seen.Schema, s.seen.URL = seenSchema, s.client.origin.URL("")
	if s.seen.Versions == nil {
		s.seen.Versions = versions{}
	}
	if s.seen.Sequences == nil {
		s.seen.Sequences = map[string]int64{}
	}
	s.recalled = s.seen.encode()
}

// remember writes what was seen, if it is anything new.
func (s *session) remember() error {
	content := s.seen.encode()
	if string(content) == string(s.recalled) {
		return nil
	}
	s.recalled = content
	return s.client.keep(seenFile, content)
}

func (s seen) encode() []byte {
	content, _ := json.MarshalIndent(s, "", "  ") // strings and numbers
	return append(content, '\n')
}

// newKeys forgets versions when the keys of snapshot or timestamp were
// replaced: whoever had stolen them may have made any version. This is step
// 5.3.11 of the specification.
func (s *session) newKeys(keys string) {
	if s.seen.Keys != "" && s.seen.Keys != keys {
		s.seen.Versions = versions{}
	}
	s.seen.Keys = keys
}

// onlineKeys returns a digest of who signs snapshot and timestamp.
func onlineKeys(root *metadata.Metadata[metadata.RootType]) (string, error) {
	var all []string
	for _, name := range []string{metadata.TIMESTAMP, metadata.SNAPSHOT} {
		role := root.Signed.Roles[name]
		if role == nil {
			return "", fmt.Errorf("it does not say who signs %s", name)
		}
		ids := slices.Sorted(slices.Values(role.KeyIDs))
		all = append(all, fmt.Sprintf("%s %d %s", name, role.Threshold, strings.Join(ids, " ")))
	}
	return digest([]byte(strings.Join(all, "\n"))), nil
}

// notBefore returns an error if a role is older than it was.
func (s *session) notBefore(role, path string, version int64) error {
	if before := s.seen.Versions[role]; version < before {
		return &RollbackError{What: role, URL: s.client.origin.URL(path), Seen: before, Got: version}
	}
	return nil
}

// rolesNotBefore returns an error if a snapshot names an older role than was
// seen, or lacks one.
func (s *session) rolesNotBefore(path string, meta map[string]*metadata.MetaFiles) error {
	for _, role := range slices.Sorted(maps.Keys(s.seen.Versions)) {
		if role == metadata.TIMESTAMP || role == metadata.SNAPSHOT {
			continue
		}
		var version int64
		if file := meta[role+".json"]; file != nil {
			version = file.Version
		}
		if err := s.notBefore(role, path, version); err != nil {
			return err
		}
	}
	return nil
}

// note remembers the versions that a snapshot names.
func (s *session) note(meta map[string]*metadata.MetaFiles) {
	for name, file := range meta {
		s.seen.Versions[strings.TrimSuffix(name, ".json")] = file.Version
	}
}
