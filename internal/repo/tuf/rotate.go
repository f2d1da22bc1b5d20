package tuf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sys/unix"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// Rotation says whose key is replaced.
type Rotation struct {
	// Name of the key: "root", "targets", "online" or a channel. Without a name
	// the keys stay and root and targets are signed again, for another year.
	Name string
	// Add says that the channel is a new one. It comes after the others.
	Add bool
	// Keep leaves the old keys their right, beside the new one, until the next
	// rotation. It is for machines that get the new key one after the other;
	// root's keys are on none.
	Keep bool
	// RootKeys are the files of public keys that root gets, Drop what the IDs of
	// those begin with that it loses, and RootThreshold is how many have to sign
	// from then on; 0 is as many as before. Without them the root keys in this
	// ring are replaced. They are for "root" only.
	RootKeys      []string
	Drop          []string
	RootThreshold int
}

// ofRoot tells whether a rotation says itself how the root's keys change.
func (r Rotation) ofRoot() bool {
	return len(r.RootKeys) > 0 || len(r.Drop) > 0 || r.RootThreshold != 0
}

// ofTargets tells whether a rotation signs targets.
func (r Rotation) ofTargets() bool { return r.Name != metadata.ROOT && r.Name != Online }

func (r Rotation) ofChannel() bool {
	return !slices.Contains([]string{"", metadata.ROOT, metadata.TARGETS, Online}, r.Name)
}

// fits returns an error unless r replaces a key that is there, or adds a
// channel that is not.
func (r Rotation) fits(channels []string) error {
	if r.Keep && r.Name == metadata.ROOT {
		return &SetupError{Err: errors.New("old root keys are not kept: nobody needs them who has the new root")}
	}
	if r.ofRoot() && r.Name != metadata.ROOT {
		return &SetupError{Err: errors.New("only root has root keys and their threshold")}
	}
	if !r.ofChannel() {
		return nil
	}
	if err := checkChannel(r.Name); err != nil {
		return err
	}
	switch there := slices.Contains(channels, r.Name); {
	case r.Add && there:
		return fmt.Errorf("there is a channel %q already", r.Name)
	case !r.Add && !there:
		return &UnknownChannelError{Channel: r.Name, Known: channels}
	default:
		return nil
	}
}

// Rotated is what a rotation made.
type Rotated struct {
	Files   []File
	Pending *Pending // what is missing of the new root; nil if nothing is
}

// Rotate makes a new key and signs, with the keys above it, what gives it its
// right. The result is kept in the ring, where [State.Next] finds it: nothing
// is valid before the next publication. If root keys are elsewhere that have to
// sign, too, it is pending until they have: see [Ring.Propose].
//
// It needs the ring's newest root and targets to be the repository's; see
// [Ring.Learn].
func (r *Ring) Rotate(rotation Rotation, policy Policy, now time.Time) (Rotated, error) {
	pending, err := r.commitPending()
	if err != nil {
		return Rotated{}, err
	}
	if pending != nil {
		return Rotated{}, &PendingError{Dir: r.pending, Pending: *pending}
	}
	t, err := r.succession(policy, now)
	if err != nil {
		return Rotated{}, err
	}
	if t.targets.md == nil && rotation.ofTargets() {
		return Rotated{}, &NoTargetsError{Dir: filepath.Join(r.dir, layout.MetadataDir)}
	}
	if err := rotation.fits(channelsOf(t.targets)); err != nil {
		return Rotated{}, err
	}
	partial, remove, err := fresh(r.dir)
	if err != nil {
		return Rotated{}, err
	}
	defer remove()
	t.ring = &Ring{OnSign: r.OnSign, dir: r.dir, pending: partial}
	files, err := t.rotate(rotation)
	if err != nil {
		return Rotated{}, err
	}
	_ = unix.Rmdir(r.pending) // only if it is empty
	if err := os.Rename(partial, r.pending); err != nil {
		return Rotated{}, fmt.Errorf("keeping new keys: %w", err)
	}
	pending, err = r.commitPending()
	return Rotated{Files: files, Pending: pending}, err
}

// rotate makes the new keys and metadata of a rotation.
func (t succession) rotate(rotation Rotation) ([]File, error) {
	var fresh []key
	count, err := t.count(rotation)
	if err != nil {
		return nil, err
	}
	for range count {
		k, err := generateKey(filepath.Join(t.ring.pending, t.ring.unusedName(rotation.Name)))
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, k)
	}
	files, err := t.files(rotation, fresh)
	if err != nil {
		return nil, err
	}
	return files, t.ring.writePending(files)
}

// count returns how many new keys a rotation makes: of root as many as are
// here, since those of others are theirs to replace.
func (t succession) count(rotation Rotation) (int, error) {
	switch {
	case rotation.Name == "" || rotation.ofRoot():
		return 0, nil
	case rotation.Name == metadata.ROOT:
		here, err := t.rootKeysHere()
		if err == nil && len(here) == 0 {
			err = &MissingKeyError{Role: metadata.ROOT, File: t.ring.path(metadata.ROOT), Need: 1}
		}
		return len(here), err
	default:
		return 1, nil
	}
}

// rootKeysHere returns the IDs of the root's keys that are in the ring.
func (t succession) rootKeysHere() ([]string, error) {
	keys, err := t.ring.keys(metadata.ROOT)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range keys {
		if rootKey(k.id, t.root) != nil && !slices.Contains(ids, k.id) {
			ids = append(ids, k.id)
		}
	}
	return ids, nil
}

// succession is the making of a new root and new targets.
type succession struct {
	ring    *Ring
	policy  Policy
	now     time.Time
	root    rootDocument
	targets targetsDocument
}

// succession begins with the ring's newest root and targets.
func (r *Ring) succession(policy Policy, now time.Time) (succession, error) {
	t := succession{ring: r, policy: policy, now: now}
	_, root, err := r.newest(metadata.ROOT)
	if err != nil {
		return t, err
	}
	_, targets, err := r.newest(metadata.TARGETS)
	if err != nil {
		return t, err
	}
	if targets != nil {
		if t.targets, err = parse[metadata.TargetsType](targets); err != nil {
			return t, fmt.Errorf("reading the ring's newest targets: %w", err)
		}
	}
	if root == nil {
		return t, r.noRoot()
	}
	if t.root, err = parse[metadata.RootType](root); err != nil {
		return t, fmt.Errorf("reading the ring's newest root: %w", err)
	}
	return t, nil
}

// files returns what a rotation signs: a new root for the roles that root
// knows, new targets for channels, and both when only time has passed.
func (t succession) files(rotation Rotation, fresh []key) ([]File, error) {
	switch rotation.Name {
	case "":
		return t.both(func(*metadata.RootType) error { return nil })
	case metadata.TARGETS:
		return t.both(t.replace(rotation, fresh))
	case metadata.ROOT, Online:
		root, err := t.newRoot(t.replace(rotation, fresh))
		return []File{root}, err
	default:
		targets, err := t.newTargets(t.root, rotation, fresh)
		return []File{targets}, err
	}
}

func (t succession) both(change func(*metadata.RootType) error) ([]File, error) {
	file, err := t.newRoot(change)
	if err != nil {
		return nil, err
	}
	root, err := parse[metadata.RootType](file.Content)
	if err != nil {
		return nil, err
	}
	targets, err := t.newTargets(root, Rotation{}, nil)
	return []File{targets, file}, err
}

// replace returns the change of a root that gives roles the fresh keys.
func (t succession) replace(rotation Rotation, fresh []key) func(*metadata.RootType) error {
	if rotation.Name == metadata.ROOT {
		return func(root *metadata.RootType) error { return t.replaceRootKeys(root, rotation, fresh) }
	}
	roles := []string{rotation.Name}
	if rotation.Name == Online {
		roles = []string{metadata.SNAPSHOT, metadata.TIMESTAMP}
	}
	return func(root *metadata.RootType) error {
		for _, role := range roles {
			old := root.Roles[role].KeyIDs
			if rotation.Keep {
				old = nil
			}
			if err := replaceKeys(root, role, old, publicOf(fresh)); err != nil {
				return err
			}
		}
		return nil
	}
}

// replaceRootKeys gives the root the fresh keys instead of those that are here,
// or the changes that somebody asked for.
func (t succession) replaceRootKeys(root *metadata.RootType, rotation Rotation, fresh []key) error {
	come, err := readPublicKeys(rotation.RootKeys)
	if err != nil {
		return err
	}
	var leave []string
	for _, prefix := range rotation.Drop {
		id, err := rootKeyID(root, prefix)
		if err != nil {
			return err
		}
		leave = append(leave, id)
	}
	if !rotation.ofRoot() {
		if leave, err = t.rootKeysHere(); err != nil {
			return err
		}
	}
	if rotation.RootThreshold != 0 {
		root.Roles[metadata.ROOT].Threshold = rotation.RootThreshold
	}
	return replaceKeys(root, metadata.ROOT, leave, append(come, publicOf(fresh)...))
}

// rootKeyID returns the ID of a root key from what it begins with.
func rootKeyID(root *metadata.RootType, prefix string) (string, error) {
	var found []string
	for _, id := range root.Roles[metadata.ROOT].KeyIDs {
		if prefix != "" && strings.HasPrefix(id, prefix) {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		return "", &SetupError{Err: fmt.Errorf("%d root keys have an ID that begins with %q", len(found), prefix)}
	}
	return found[0], nil
}

func publicOf(keys []key) []*metadata.Key {
	var all []*metadata.Key
	for _, k := range keys {
		all = append(all, k.public)
	}
	return all
}

func replaceKeys(root *metadata.RootType, role string, old []string, fresh []*metadata.Key) error {
	for _, id := range slices.Clone(old) {
		if err := root.RevokeKey(id, role); err != nil {
			return fmt.Errorf("giving %s another key: %w", role, err)
		}
	}
	for _, k := range fresh {
		id, err := k.ID()
		if err == nil && slices.Contains(root.Roles[role].KeyIDs, id) {
			return &SetupError{Err: fmt.Errorf("key %s is a key of %s already", ShortID(id), role)}
		}
		if err == nil {
			err = root.AddKey(k, role)
		}
		if err != nil {
			return fmt.Errorf("giving %s another key: %w", role, err)
		}
	}
	if have, need := len(root.Roles[role].KeyIDs), root.Roles[role].Threshold; need < 1 || have < need {
		return &SetupError{Err: fmt.Errorf("%d of %d keys of %s can never sign", need, have, role)}
	}
	return nil
}

func (t succession) newRoot(change func(*metadata.RootType) error) (File, error) {
	next, err := parse[metadata.RootType](t.root.raw)
	if err != nil {
		return File{}, err
	}
	next.md.Signed.Version++
	next.md.Signed.Expires = expiry(t.now, t.policy.Root)
	if err := change(&next.md.Signed); err != nil {
		return File{}, err
	}
	if err := sound(next); err != nil {
		return File{}, fmt.Errorf("making a new root: %w", err)
	}
	sealed, err := sealRoot(t.ring, next.md, t.root)
	if err != nil {
		return File{}, err
	}
	return sealed.file(metadata.ROOT, next.md.Signed.Version), nil
}

// newTargets signs targets for readers who trust root, and for those who still
// trust the root before. rotation may give a channel its keys.
func (t succession) newTargets(root rootDocument, rotation Rotation, fresh []key) (File, error) {
	next, err := parse[metadata.TargetsType](t.targets.raw)
	if err != nil {
		return File{}, err
	}
	next.md.Signed.Version++
	next.md.Signed.Expires = expiry(t.now, t.policy.Targets)
	if rotation.Name != "" {
		t.delegateAnew(next, rotation, fresh)
	}
	sealed, err := sealTargets(t.ring, next.md, root, t.root)
	if err != nil {
		return File{}, err
	}
	return sealed.file(metadata.TARGETS, next.md.Signed.Version), nil
}

// delegateAnew gives a channel the fresh keys.
func (succession) delegateAnew(next targetsDocument, rotation Rotation, fresh []key) {
	channel := rotation.Name
	all := next.md.Signed.Delegations
	var kept []string
	if role := delegation(next, channel); role != nil {
		kept = slices.Clone(role.KeyIDs)
	}
	delegate(next.md, channel, fresh)
	if rotation.Keep {
		role := delegation(next, channel)
		role.KeyIDs = append(role.KeyIDs, kept...)
		return
	}
	for _, id := range kept {
		if !slices.ContainsFunc(all.Roles, func(r metadata.DelegatedRole) bool { return slices.Contains(r.KeyIDs, id) }) {
			delete(all.Keys, id)
		}
	}
}

// Learn keeps a repository's newest root and targets in the ring, where the
// next rotation begins.
func (r *Ring) Learn(s State) error {
	if s.root.md == nil || s.targets.md == nil {
		return nil
	}
	return r.store([]File{
		s.first.file(metadata.ROOT, rootVersion(s.first)),
		s.root.file(metadata.ROOT, s.root.md.Signed.Version),
		s.targets.file(metadata.TARGETS, versionOf(s.targets)),
	})
}
