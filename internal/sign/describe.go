package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	First    string         `json:"first_root_sha256"`
	Root     Signed         `json:"root"`
	Targets  Signed         `json:"targets"`
	Keys     []DescribedKey `json:"keys"`
	Minisign string         `json:"minisign,omitempty"` // public key
	Channels []string       `json:"channels"`
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

// Describe tells what is in the ring.
func (r *Ring) Describe() (Description, error) {
	d := Description{Dir: r.dir}
	_, first, err := r.Root()
	if err != nil {
		return d, err
	}
	digest := sha256.Sum256(first)
	d.First = hex.EncodeToString(digest[:])
	t, err := r.turn(Policy{}, time.Time{})
	if err != nil {
		return d, err
	}
	d.Root = Signed{t.root.md.Signed.Version, t.root.md.Signed.Expires}
	d.Targets = Signed{t.targets.md.Signed.Version, t.targets.md.Signed.Expires}
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

func (t turn) describeKeys(channels []string) ([]DescribedKey, error) {
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
func (t turn) grant(name string) grant {
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

// String returns the key as people compare it.
func (k DescribedKey) String() string { return fmt.Sprintf("%s %s", k.Name, k.ID[:16]) }
