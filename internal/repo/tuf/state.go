package tuf

import (
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// State is the verified metadata of a repository. The zero value is that of an
// empty repository. It is a value: nothing changes it.
type State struct {
	first     rootDocument // where trust began
	root      rootDocument
	targets   targetsDocument
	channels  map[string]targetsDocument
	snapshot  snapshotDocument
	timestamp timestampDocument
	taken     map[string]int64 // versions that are no longer free, by role
}

// Empty tells that nothing was ever published.
func (s State) Empty() bool { return s.timestamp.md == nil }

// Version returns the version of the timestamp and of the snapshot. It rises
// with every publication. 0 is that of an empty repository.
func (s State) Version() int64 {
	if s.timestamp.md == nil {
		return 0
	}
	return s.timestamp.md.Signed.Version
}

// Expires returns until when readers take the state for current.
func (s State) Expires() time.Time {
	if s.timestamp.md == nil {
		return time.Time{}
	}
	return s.timestamp.md.Signed.Expires
}

// Root returns the newest root, which newcomers pin, and its version.
func (s State) Root() (version int64, content []byte) {
	if s.root.md == nil {
		return 0, nil
	}
	return s.root.md.Signed.Version, s.root.raw
}

// FirstRoot returns the root that the repository began with. It stays the same
// through all rotations.
func (s State) FirstRoot() []byte { return s.first.raw }

// Channels returns the names of the channels, the most trusted one first.
func (s State) Channels() []string { return channelsOf(s.targets) }

// Channel returns the state of a channel. ok is false when nothing was
// published to it yet.
func (s State) Channel(name string) (c layout.Channel, ok bool, err error) {
	document, there := s.channels[name]
	if !there {
		return c, false, nil
	}
	pointer, there := document.md.Signed.Targets[layout.Pointer(name)]
	if !there || pointer.Custom == nil {
		return c, false, nil
	}
	c, err = layout.DecodeChannel(name, *pointer.Custom)
	return c, err == nil, err
}

// Targets returns the files that a channel's key has signed, by their path in
// the repository, without the channel's own pointer.
func (s State) Targets(channel string) map[string]layout.Reference {
	files := map[string]layout.Reference{}
	document, ok := s.channels[channel]
	if !ok {
		return files
	}
	for name, target := range document.md.Signed.Targets {
		if name != layout.Pointer(channel) {
			files[name] = layout.Reference{Size: target.Length, SHA256: hex.EncodeToString(target.Hashes["sha256"])}
		}
	}
	return files
}

// Metadata returns the paths of the files that readers of this state ask for,
// without the roots.
func (s State) Metadata() []string {
	paths := []string{Timestamp}
	if s.timestamp.md == nil {
		return paths
	}
	paths = append(paths, layout.Metadata(fileName(metadata.SNAPSHOT, s.snapshot.md.Signed.Version)))
	for name, meta := range s.snapshot.md.Signed.Meta {
		paths = append(paths, layout.Metadata(fileName(strings.TrimSuffix(name, ".json"), meta.Version)))
	}
	return paths
}

// Taken returns the state with the knowledge that the file at that path, one
// that [State.Next] made, is there already with another content: a publisher
// died, or was faster. The next state leaps over that version, and over some
// more by chance: many may have died there, and all of them leapt.
func (s State) Taken(file string) State {
	match := metadataName.FindStringSubmatch(path.Base(file))
	if match == nil {
		return s
	}
	role := match[2]
	version, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return s
	}
	s.taken = maps.Clone(s.taken)
	if s.taken == nil {
		s.taken = map[string]int64{}
	}
	leap := rand.Int64N(16 * max(version-s.versionOf(role), 1)) //nolint:gosec // nobody has to guess it
	s.taken[role] = max(s.taken[role], version+leap)
	return s
}

// versionOf returns the version of a role that others than people sign.
func (s State) versionOf(role string) int64 {
	if role == metadata.SNAPSHOT {
		return s.Version()
	}
	return versionOf(s.channels[role])
}

// Due is a role whose signature runs out.
type Due struct {
	Role    string    `json:"role"`
	Expires time.Time `json:"expires"`
}

// Due returns the roles that somebody has to sign again by hand: root and
// targets after half of their life, since people take their time; channels when
// less than a third is left, and no refresh by a machine with their key has
// signed them before.
func (s State) Due(policy Policy, now time.Time) []Due {
	var all []Due
	add := func(role string, expires time.Time, is bool) {
		if is {
			all = append(all, Due{Role: role, Expires: expires})
		}
	}
	if s.root.md != nil {
		expires := s.root.md.Signed.Expires
		add(metadata.ROOT, expires, late(expires, now, policy.Root))
	}
	if s.targets.md != nil {
		expires := s.targets.md.Signed.Expires
		add(metadata.TARGETS, expires, late(expires, now, policy.Targets))
	}
	for _, name := range s.Channels() {
		if c, ok := s.channels[name]; ok {
			expires := c.md.Signed.Expires
			add(name, expires, due(expires, now, policy.channel(name)))
		}
	}
	return all
}

// Late tells whether half of the timestamp's life is over: refreshes come too
// seldom.
func (s State) Late(policy Policy, now time.Time) bool {
	return !s.Empty() && late(s.Expires(), now, policy.Timestamp)
}
