package tuf

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

// document is a metadata file, as it is read and as it is written.
type document[T metadata.Roles] struct {
	md  *metadata.Metadata[T]
	raw []byte
}

type (
	rootDocument      = document[metadata.RootType]
	targetsDocument   = document[metadata.TargetsType]
	snapshotDocument  = document[metadata.SnapshotType]
	timestampDocument = document[metadata.TimestampType]
)

// grant is a delegator's word on who signs a role.
type grant struct {
	ids       []string
	threshold int
}

// parse reads a metadata file.
func parse[T metadata.Roles](raw []byte) (d document[T], err error) {
	d.raw = raw
	err = guard.Call(func() error {
		d.md, err = new(metadata.Metadata[T]).FromBytes(raw)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("it is not TUF metadata: %w", err)
	}
	return d, nil
}

// signingKeys returns every key of the ring that one of the grants names, each
// once. Each of must has to be satisfied; also are those for which there may be
// no keys any more.
func (r *Ring) signingKeys(role string, must []grant, also ...grant) ([]key, error) {
	all, err := r.keys(keyOf(role))
	if err != nil {
		return nil, err
	}
	var chosen []key
	have := map[string]bool{}
	for _, k := range all {
		if granted(k.id, append(slices.Clone(must), also...)) && !have[k.id] {
			chosen, have[k.id] = append(chosen, k), true
		}
	}
	for _, g := range must {
		if n := g.count(have); n < g.threshold {
			return nil, &MissingKeyError{Role: role, File: r.path(keyOf(role)), Have: n, Need: g.threshold}
		}
	}
	return chosen, nil
}

// seal signs a document again with the ring's [Ring.signingKeys].
func seal[T metadata.Roles](r *Ring, role string, md *metadata.Metadata[T], must []grant, also ...grant) (document[T], error) {
	none := document[T]{}
	keys, err := r.signingKeys(role, must, also...)
	if err != nil {
		return none, err
	}
	md.ClearSignatures() // a second signature by one key makes a file that nobody reads
	for _, k := range keys {
		if _, err := md.Sign(k.signer); err != nil {
			return none, fmt.Errorf("signing %s with %s: %w", role, k.file, err)
		}
		r.signed(role)
	}
	sealed, err := encode(md)
	if err != nil {
		return none, fmt.Errorf("writing %s: %w", role, err)
	}
	return sealed, nil
}

// encode returns a document as it is written.
func encode[T metadata.Roles](md *metadata.Metadata[T]) (document[T], error) {
	raw, err := md.ToBytes(true)
	if err != nil {
		return document[T]{}, err
	}
	return parse[T](append(raw, '\n'))
}

func granted(id string, grants []grant) bool {
	return slices.ContainsFunc(grants, func(g grant) bool { return slices.Contains(g.ids, id) })
}

// count returns how many of its keys are among some.
func (g grant) count(some map[string]bool) (n int) {
	for _, id := range g.ids {
		if some[id] {
			n++
		}
	}
	return n
}

func grantOfRoot(root rootDocument, role string) grant {
	r := root.md.Signed.Roles[role]
	if r == nil {
		return grant{threshold: 1} // which nobody meets
	}
	return grant{ids: r.KeyIDs, threshold: r.Threshold}
}

func grantOfTargets(targets targetsDocument, channel string) (grant, bool) {
	delegated := delegation(targets, channel)
	if delegated == nil {
		return grant{}, false
	}
	return grant{ids: delegated.KeyIDs, threshold: delegated.Threshold}, true
}

func delegation(targets targetsDocument, channel string) *metadata.DelegatedRole {
	if targets.md == nil || targets.md.Signed.Delegations == nil {
		return nil
	}
	roles := targets.md.Signed.Delegations.Roles
	i := slices.IndexFunc(roles, func(r metadata.DelegatedRole) bool { return r.Name == channel })
	if i < 0 {
		return nil
	}
	return &roles[i]
}

// meta returns what the document's keeper says of it.
func (d document[T]) meta(version int64) *metadata.MetaFiles {
	digest := sha256.Sum256(d.raw)
	m := metadata.MetaFile(version)
	m.Length = int64(len(d.raw))
	m.Hashes = metadata.Hashes{"sha256": digest[:]}
	return m
}

// file returns the document under the name of its version.
func (d document[T]) file(role string, version int64) File {
	return File{Path: layout.Metadata(fileName(role, version)), Content: d.raw}
}

// rootVersion returns the version of a root, and 0 if there is none.
func rootVersion(root rootDocument) int64 {
	if root.md == nil {
		return 0
	}
	return root.md.Signed.Version
}

func fileName(role string, version int64) string {
	return strconv.FormatInt(version, 10) + "." + role + ".json"
}
