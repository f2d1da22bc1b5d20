package tuf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Description is what is in a ring, for people.
type Description struct {
	Dir string `json:"dir"`
	// First is the digest of the first root, which newcomers may pin and
	// compare.
	First   string         `json:"first_root_sha256,omitempty"`
	Root    Signed         `json:"root"`
	Targets Signed         `json:"targets"`
	Keys    []DescribedKey `json:"keys"`
	// Pending is the root that others have to sign yet, if there is one.
	Pending *Pending `json:"pending,omitempty"`
	// Due are root and targets if half of their life is over.
	Due      []Due    `json:"due,omitempty"`
	Minisign string   `json:"minisign,omitempty"` // public key
	Channels []string `json:"channels"`
}

// Signed is a metadata file in the ring.
type Signed struct {
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

// DescribedKey is a key that has the right to sign.
type DescribedKey struct {
	Name      string `json:"name"` // "root", "targets", "online" or a channel
	ID        string `json:"id"`
	File      string `json:"file,omitempty"` // "" when it is not here
	Threshold int    `json:"threshold"`      // how many of its name have to sign
}

// Describe tells what is in the ring. If no root is good yet, it tells of the
// one that is pending.
func (r *Ring) Describe(policy Policy, now time.Time) (Description, error) {
	d := Description{Dir: r.dir}
	var err error
	if d.Pending, err = r.Pending(); err != nil {
		return d, err
	}
	t, err := r.described(d.Pending != nil)
	if err != nil {
		return d, err
	}
	if _, first, err := r.Root(); err == nil {
		digest := sha256.Sum256(first)
		d.First = hex.EncodeToString(digest[:])
	}
	d.Root = Signed{t.root.md.Signed.Version, t.root.md.Signed.Expires}
	if t.targets.md != nil {
		d.Targets = Signed{t.targets.md.Signed.Version, t.targets.md.Signed.Expires}
	}
	d.Due = State{root: t.root, targets: t.targets}.Due(policy, now)
	d.Channels = channelsOf(t.targets)
	d.Keys, err = t.describeKeys(d.Channels)
	if err != nil {
		return d, err
	}
	if public, err := r.MinisignPublic(); err == nil {
		lines := strings.Split(strings.TrimSpace(string(public)), "\n")
		d.Minisign = lines[len(lines)-1]
	}
	return d, nil
}

// described returns the newest root and targets; of a new repository that may
// be what is pending. Who only signs roots has no targets.
func (r *Ring) described(pending bool) (succession, error) {
	t, err := r.succession(Policy{}, time.Time{})
	if errors.As(err, new(*PendingError)) && pending {
		d, err := r.draft()
		t.root = d.root
		return t, err
	}
	return t, err
}

func (t succession) describeKeys(channels []string) ([]DescribedKey, error) {
	var all []DescribedKey
	for _, name := range slices.Concat([]string{metadata.ROOT, metadata.TARGETS}, channels, []string{Online}) {
		here, err := t.ring.keys(name)
		if err != nil {
			return nil, err
		}
		g := t.grant(name)
		for _, id := range g.ids {
			found := DescribedKey{Name: name, ID: id, Threshold: g.threshold}
			if i := slices.IndexFunc(here, func(k key) bool { return k.id == id }); i >= 0 {
				found.File = here[i].file
			}
			all = append(all, found)
		}
	}
	return all, nil
}

// grant returns who has the right to use a name.
func (t succession) grant(name string) grant {
	switch name {
	case metadata.ROOT, metadata.TARGETS:
		return grantOfRoot(t.root, name)
	case Online:
		return grantOfRoot(t.root, metadata.TIMESTAMP)
	default:
		g, _ := grantOfTargets(t.targets, name)
		return g
	}
}
