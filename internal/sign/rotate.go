package sign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
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
}

func (r Rotation) ofChannel() bool {
	return !slices.Contains([]string{"", metadata.ROOT, metadata.TARGETS, Online}, r.Name)
}

// fits returns an error unless r replaces a key that is there, or adds a
// channel that is not.
func (r Rotation) fits(channels []string) error {
	if r.Keep && r.Name == metadata.ROOT {
		return errors.New("old root keys are not kept: nobody needs them who has the new root")
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

// Rotate makes a new key and signs, with the keys above it, what gives it its
// right. The result is kept in the ring, where [State.Next] finds it: nothing
// is valid before the next publication. It returns the files that it wrote.
//
// It needs the ring's newest root and targets to be the repository's; see
// [Ring.Learn].
func (r *Ring) Rotate(rotation Rotation, policy Policy, now time.Time) ([]File, error) {
	t, err := r.turn(policy, now)
	if err != nil {
		return nil, err
	}
	if err := rotation.fits(channelsOf(t.targets)); err != nil {
		return nil, err
	}
	old, err := r.files(r.dir, rotation.Name)
	if err != nil {
		return nil, err
	}
	fresh, err := r.replacements(rotation.Name, t.count(rotation.Name))
	if err != nil {
		return nil, err
	}
	files, err := t.files(rotation, fresh)
	if err == nil {
		err = r.store(files)
	}
	if err != nil {
		return nil, errors.Join(err, discard(fresh))
	}
	if rotation.Keep {
		return files, nil
	}
	return files, r.retire(old, fresh)
}

// count returns how many keys of a name there are.
func (t turn) count(name string) int {
	switch name {
	case "":
		return 0
	case metadata.ROOT:
		return len(grantOfRoot(t.root, name).ids)
	default:
		return 1
	}
}

// replacements makes new keys.
func (r *Ring) replacements(name string, count int) ([]key, error) {
	var fresh []key
	for range count {
		k, err := generateKey(r.free(name))
		if err != nil {
			return nil, errors.Join(err, discard(fresh))
		}
		fresh = append(fresh, k)
	}
	return fresh, nil
}

func discard(keys []key) (err error) {
	for _, k := range keys {
		err = errors.Join(err, os.Remove(k.file))
	}
	return err
}

// retire moves the old keys away. They still sign for readers who have not
// heard of the new ones.
func (r *Ring) retire(old []string, fresh []key) error {
	if len(fresh) == 0 {
		return nil
	}
	dir := filepath.Join(r.dir, retiredDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("retiring keys: %w", err)
	}
	for _, file := range old {
		if err := rename(file, filepath.Join(dir, filepath.Base(file))); err != nil {
			return fmt.Errorf("retiring the key %s: %w", file, err)
		}
	}
	return errors.Join(syncDir(dir), syncDir(r.dir))
}

// turn is the making of a new root and new targets.
type turn struct {
	ring    *Ring
	policy  Policy
	now     time.Time
	root    rootDocument
	targets targetsDocument
}

// turn begins with the ring's newest root and targets.
func (r *Ring) turn(policy Policy, now time.Time) (turn, error) {
	t := turn{ring: r, policy: policy, now: now}
	_, root, err := r.newest(metadata.ROOT)
	if err != nil {
		return t, err
	}
	_, targets, err := r.newest(metadata.TARGETS)
	if err != nil {
		return t, err
	}
	if root == nil || targets == nil {
		return t, &NoRootError{Dir: r.dir}
	}
	if t.root, err = parse[metadata.RootType](root); err != nil {
		return t, fmt.Errorf("reading the ring's newest root: %w", err)
	}
	if t.targets, err = parse[metadata.TargetsType](targets); err != nil {
		return t, fmt.Errorf("reading the ring's newest targets: %w", err)
	}
	return t, nil
}

// files returns what a rotation signs: a new root for the roles that root
// knows, new targets for channels, and both when only time has passed.
func (t turn) files(rotation Rotation, fresh []key) ([]File, error) {
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

func (t turn) both(change func(*metadata.RootType) error) ([]File, error) {
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
func (t turn) replace(rotation Rotation, fresh []key) func(*metadata.RootType) error {
	roles := []string{rotation.Name}
	if rotation.Name == Online {
		roles = []string{metadata.SNAPSHOT, metadata.TIMESTAMP}
	}
	return func(root *metadata.RootType) error {
		for _, role := range roles {
			if err := replaceKeys(root, role, fresh, rotation.Keep); err != nil {
				return fmt.Errorf("giving %s another key: %w", role, err)
			}
		}
		return nil
	}
}

func replaceKeys(root *metadata.RootType, role string, fresh []key, keep bool) error {
	for _, id := range slices.Clone(root.Roles[role].KeyIDs) {
		if keep {
			break
		}
		if err := root.RevokeKey(id, role); err != nil {
			return err
		}
	}
	for _, k := range fresh {
		if err := root.AddKey(k.public, role); err != nil {
			return err
		}
	}
	if have := len(root.Roles[role].KeyIDs); have < root.Roles[role].Threshold {
		return &MissingKeyError{Role: role, File: "its other keys", Have: have, Need: root.Roles[role].Threshold}
	}
	return nil
}

func (t turn) newRoot(change func(*metadata.RootType) error) (File, error) {
	next, err := parse[metadata.RootType](t.root.raw)
	if err != nil {
		return File{}, err
	}
	next.md.Signed.Version++
	next.md.Signed.Expires = expiry(t.now, t.policy.Root)
	if err := change(&next.md.Signed); err != nil {
		return File{}, err
	}
	sealed, err := sealRoot(t.ring, next.md, t.root)
	if err != nil {
		return File{}, err
	}
	return sealed.file(metadata.ROOT, next.md.Signed.Version), nil
}

// newTargets signs targets for readers who trust root, and for those who still
// trust the root before. rotation may give a channel its keys.
func (t turn) newTargets(root rootDocument, rotation Rotation, fresh []key) (File, error) {
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
func (turn) delegateAnew(next targetsDocument, rotation Rotation, fresh []key) {
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
		s.root.file(metadata.ROOT, s.root.md.Signed.Version),
		s.targets.file(metadata.TARGETS, versionOf(s.targets)),
	})
}
