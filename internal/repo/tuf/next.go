package tuf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// ChannelEdit is what a channel's key signs from now on.
type ChannelEdit struct {
	State layout.Channel
	// Targets are all files that readers of the channel may fetch, by their
	// path in the repository: those of its version, and of the versions in its
	// history that are kept.
	Targets map[string]layout.Reference
}

// Next makes the state that follows s. Without edits it only renews what is
// current, for readers who want that to be said every few days. Besides it
// takes up what the ring has of newer roots, targets and channels (see
// [Ring.Rotate]), and signs channels again that expire soon and whose key is
// there.
//
// The files are in the order in which they have to be written, each of them
// under a name that is not in use, but for [Timestamp]. No reader sees
// anything of them until the timestamp is written.
func (s State) Next(r *Ring, policy Policy, now time.Time, edits map[string]ChannelEdit) ([]File, State, error) {
	st := s.begin(r, policy, now)
	for _, do := range []func() error{
		st.adopt,
		func() error { return st.edit(edits) },
		st.renew,
		st.snapshot,
		st.timestamp,
	} {
		if err := do(); err != nil {
			return nil, State{}, err
		}
	}
	return st.ordered(), st.next, nil
}

// step is the way from one state to the next.
type step struct {
	ring   *Ring
	policy Policy
	now    time.Time
	before State
	next   State
	roots  []rootDocument // new ones
	files  []File         // in the order of writing, without the roots
}

// begin is the first step away from s, which leads nowhere yet.
func (s State) begin(r *Ring, policy Policy, now time.Time) *step {
	st := &step{ring: r, policy: policy, now: now, before: s, next: s}
	st.next.channels = maps.Clone(s.channels)
	if st.next.channels == nil {
		st.next.channels = map[string]targetsDocument{}
	}
	return st
}

// edit signs the channels that change.
func (st *step) edit(edits map[string]ChannelEdit) error {
	for _, channel := range slices.Sorted(maps.Keys(edits)) {
		files, err := st.targetFiles(channel, edits[channel])
		if err != nil {
			return fmt.Errorf("signing channel %s: %w", channel, err)
		}
		if err := st.signChannel(channel, files); err != nil {
			return err
		}
	}
	return nil
}

// targetFiles returns what an edit lets a channel sign.
func (st *step) targetFiles(channel string, edit ChannelEdit) (map[string]*metadata.TargetFiles, error) {
	role := delegation(st.next.targets, channel)
	if role == nil {
		return nil, &UnknownChannelError{Channel: channel, Known: st.next.Channels()}
	}
	old, there, err := st.next.Channel(channel)
	if err != nil {
		return nil, err
	}
	if there && edit.State.Sequence <= old.Sequence {
		return nil, fmt.Errorf("its sequence would go from %d to %d", old.Sequence, edit.State.Sequence)
	}
	files := map[string]*metadata.TargetFiles{}
	for path, reference := range edit.Targets {
		if ok, err := role.IsDelegatedPath(path); !ok || err != nil {
			return nil, fmt.Errorf("%s is not a file that it may sign", path)
		}
		if files[path], err = targetFile(reference); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	files[layout.Pointer(channel)], err = pointer(channel, edit.State)
	return files, err
}

func targetFile(reference layout.Reference) (*metadata.TargetFiles, error) {
	digest, err := hex.DecodeString(reference.SHA256)
	if err != nil || !manifest.IsDigest(reference.SHA256) || reference.Size < 0 {
		return nil, errors.New("it has no digest or no size")
	}
	file := metadata.TargetFile()
	file.Length = reference.Size
	file.Hashes["sha256"] = digest // a second kind makes other clients look elsewhere
	return file, nil
}

// pointer returns the target whose signed custom data are a channel's state.
func pointer(channel string, state layout.Channel) (*metadata.TargetFiles, error) {
	if state.Channel != channel {
		return nil, fmt.Errorf("it would hold the state of channel %q", state.Channel)
	}
	custom, err := state.Encode()
	if err != nil {
		return nil, err
	}
	file, err := metadata.TargetFile().FromBytes(layout.Pointer(channel), []byte(layout.PointerBody))
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", layout.Pointer(channel), err)
	}
	file.Custom = &custom
	return file, nil
}

// signChannel gives a channel its next version.
func (st *step) signChannel(channel string, files map[string]*metadata.TargetFiles) error {
	md := metadata.Targets(expiry(st.now, st.policy.channel(channel)))
	md.Signed.Version = st.nextVersion(channel, versionOf(st.next.channels[channel]))
	md.Signed.Targets = files
	sealed, err := sealChannel(st.ring, st.next.targets, channel, md)
	if err != nil {
		return err
	}
	st.next.channels[channel] = sealed
	st.files = append(st.files, sealed.file(channel, md.Signed.Version))
	return nil
}

// renewal is a channel that is to be signed again as it is.
type renewal struct {
	channel string
	files   map[string]*metadata.TargetFiles
	valid   bool // it is good for some time yet; see [State.Due]
}

// stops tells whether an error of signing it keeps from publishing.
func (n renewal) stops(err error) bool {
	return err != nil && (!n.valid || !errors.As(err, new(*MissingKeyError)))
}

// renewals are the channels whose keys changed, or which expire soon.
func (st *step) renewals() []renewal {
	var all []renewal
	for _, channel := range st.next.Channels() {
		n := renewal{channel: channel, files: map[string]*metadata.TargetFiles{}}
		old, there := st.next.channels[channel]
		if there {
			n.files = old.md.Signed.Targets
		}
		n.valid = there && st.next.targets.md.VerifyDelegate(channel, old.md) == nil
		if !n.valid || due(old.md.Signed.Expires, st.now, st.policy.channel(channel)) {
			all = append(all, n)
		}
	}
	return all
}

func (st *step) renew() error {
	for _, n := range st.renewals() {
		if err := st.signChannel(n.channel, n.files); n.stops(err) {
			return err
		}
	}
	return nil
}

// snapshot says which versions belong together. No role that was ever named
// may be missing, or clients refuse it.
func (st *step) snapshot() error {
	md := metadata.Snapshot(expiry(st.now, st.policy.Snapshot))
	md.Signed.Version = st.serial()
	if old := st.before.snapshot.md; old != nil {
		maps.Copy(md.Signed.Meta, old.Signed.Meta)
	}
	md.Signed.Meta["targets.json"] = st.next.targets.meta(versionOf(st.next.targets))
	for channel, document := range st.next.channels {
		md.Signed.Meta[channel+".json"] = document.meta(versionOf(document))
	}
	sealed, err := sealFor(st.ring, metadata.SNAPSHOT, md, st.next.root, st.superseded())
	if err != nil {
		return err
	}
	st.next.snapshot = sealed
	st.files = append(st.files, sealed.file(metadata.SNAPSHOT, md.Signed.Version))
	return nil
}

func (st *step) timestamp() error {
	version := st.next.snapshot.md.Signed.Version
	md := metadata.Timestamp(expiry(st.now, st.policy.Timestamp))
	md.Signed.Version = version
	md.Signed.Meta["snapshot.json"] = st.next.snapshot.meta(version)
	sealed, err := sealFor(st.ring, metadata.TIMESTAMP, md, st.next.root, st.superseded())
	if err != nil {
		return err
	}
	st.next.timestamp = sealed
	st.files = append(st.files, File{Path: Timestamp, Content: sealed.raw})
	return nil
}

// nextVersion returns the version after old that nobody has used.
func (st *step) nextVersion(role string, old int64) int64 {
	return max(old, st.before.taken[role]) + 1
}

// jump is a version that no honest repository reaches by counting.
const jump = 1 << 31

// serial returns the version of the next snapshot and timestamp. Whoever stole
// the online key may have left one beyond all bounds; with a new key readers
// start counting again.
func (st *step) serial() int64 {
	next := st.before.Version() + 1
	if snapshot := st.before.snapshot.md; snapshot != nil {
		next = max(next, snapshot.Signed.Version+1)
	}
	if next >= jump && len(st.roots) > 0 {
		next = st.now.Unix()
	}
	return max(next, st.nextVersion(metadata.SNAPSHOT, 0))
}

func versionOf(d targetsDocument) int64 {
	if d.md == nil {
		return 0
	}
	return d.md.Signed.Version
}
