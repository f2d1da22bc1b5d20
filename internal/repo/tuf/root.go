package tuf

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// parseRoot reads a root that nobody has vouched for yet.
func parseRoot(raw []byte) (rootDocument, error) {
	root, err := parse[metadata.RootType](raw)
	if err == nil {
		err = sound(root)
	}
	return root, err
}

// sound returns an error if a root is not one that this program makes. What
// people are shown of a root is then all that is in it: a key is what its ID
// says, and there is nothing else.
func sound(root rootDocument) error {
	signed := root.md.Signed
	if signed.Version < 1 || !signed.ConsistentSnapshot || len(signed.UnrecognizedFields) > 0 {
		return errors.New("it is not a root of an image repository")
	}
	roles := slices.Sorted(maps.Keys(signed.Roles))
	if !slices.Equal(roles, slices.Sorted(slices.Values(metadata.TOP_LEVEL_ROLE_NAMES[:]))) {
		return fmt.Errorf("it has the roles %q", roles)
	}
	for name, role := range signed.Roles {
		if err := soundRole(signed.Keys, role); err != nil {
			return fmt.Errorf("its role %s: %w", name, err)
		}
	}
	snapshot, timestamp := signed.Roles[metadata.SNAPSHOT], signed.Roles[metadata.TIMESTAMP]
	if !slices.Equal(snapshot.KeyIDs, timestamp.KeyIDs) || snapshot.Threshold != timestamp.Threshold {
		return errors.New("its snapshot and timestamp have different keys")
	}
	return nil
}

func soundRole(keys map[string]*metadata.Key, role *metadata.Role) error {
	if role == nil || role.Threshold < 1 || role.Threshold > len(role.KeyIDs) || len(role.UnrecognizedFields) > 0 {
		return errors.New("its keys can never sign")
	}
	for i, id := range role.KeyIDs {
		if slices.Contains(role.KeyIDs[:i], id) {
			return fmt.Errorf("key %s is named twice", ShortID(id))
		}
		k := keys[id]
		if k == nil || len(k.Value.PublicKey) != 2*ed25519.PublicKeySize || k.Type != metadata.KeyTypeEd25519 || k.Scheme != metadata.KeySchemeEd25519 {
			return fmt.Errorf("key %s is not an ed25519 key", ShortID(id))
		}
		if own, err := k.ID(); err != nil || own != id {
			return fmt.Errorf("key %s is another than its name says", ShortID(id))
		}
	}
	return nil
}

// ShortID returns the ID of a key as people compare it. It is long enough that
// nobody can make another key that begins with it.
func ShortID(id string) string { return id[:min(len(id), 16)] }

// signers returns the IDs of the keys that signed a root, each once. old is
// the root before it, if there is one. A signature by any other key is an error.
func signers(old, root rootDocument) (map[string]bool, error) {
	signed := map[string]bool{}
	for _, s := range root.md.Signatures {
		k := rootKey(s.KeyID, old, root)
		if k == nil {
			return nil, fmt.Errorf("key %s has signed it, and is not a root key", ShortID(s.KeyID))
		}
		alone := metadata.Root()
		alone.Signed.Keys[s.KeyID] = k
		alone.Signed.Roles[metadata.ROOT] = &metadata.Role{KeyIDs: []string{s.KeyID}, Threshold: 1}
		if err := alone.VerifyDelegate(metadata.ROOT, root.md); err != nil {
			return nil, fmt.Errorf("the signature of key %s does not fit it", ShortID(s.KeyID))
		}
		signed[s.KeyID] = true
	}
	return signed, nil
}

// rootKey returns the key that signs by the word of one of the roots.
func rootKey(id string, roots ...rootDocument) *metadata.Key {
	for _, root := range roots {
		if root.md != nil && slices.Contains(grantOfRoot(root, metadata.ROOT).ids, id) {
			return root.md.Signed.Keys[id]
		}
	}
	return nil
}

// Lack is how many signatures a root lacks, and of which keys.
type Lack struct {
	Root  int64    `json:"root"` // by whose word these keys sign
	Count int      `json:"count"`
	Keys  []string `json:"keys"`
}

// lacks tells who has to sign a root yet: for those who trust the root before
// it, and for those who begin with it.
func lacks(old, root rootDocument, signed map[string]bool) []Lack {
	var all []Lack
	for _, by := range []rootDocument{old, root} {
		if by.md == nil {
			continue
		}
		g := grantOfRoot(by, metadata.ROOT)
		lack := Lack{Root: by.md.Signed.Version, Count: g.threshold - g.count(signed)}
		for _, id := range g.ids {
			if !signed[id] {
				lack.Keys = append(lack.Keys, id)
			}
		}
		if lack.Count > 0 {
			all = append(all, lack)
		}
	}
	return all
}

// sameSigned tells whether two files say the same, whoever signed them.
func sameSigned(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(signedPart(a), signedPart(b)) && signedPart(a) != nil
}

func signedPart(raw []byte) []byte {
	var file struct {
		Signed json.RawMessage `json:"signed"`
	}
	var compact bytes.Buffer
	if json.Unmarshal(raw, &file) != nil || len(file.Signed) == 0 || json.Compact(&compact, file.Signed) != nil {
		return nil
	}
	return compact.Bytes()
}
