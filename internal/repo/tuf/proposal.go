package tuf

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Proposal is a new root in a file that somebody sent, to be looked at and
// signed.
type Proposal struct {
	File   string `json:"file"`
	Change Change `json:"change"`
	// Known tells that this root is here already, with all its signatures.
	Known bool `json:"known"`
	// Mine are the IDs of the keys here that would sign, Again those of the keys
	// here that have, which count once, and Signed those of all that have.
	Mine   []string `json:"mine"`
	Again  []string `json:"again,omitempty"`
	Signed []string `json:"signed"`
	// Pending tells that this root is pending here, which is where it was made.
	Pending bool `json:"pending"`

	ring      *Ring
	old, root rootDocument
	keys      []key // those that would sign
	news      bool  // the file has signatures that are not here yet
	merged    bool  // it lacked some that are
}

// Propose reads a root that others ask this ring's holder to sign: by the
// ring's root keys, or by the one in keyFile. It refuses what does not follow
// the newest root here, and what anybody but its root keys has signed.
func (r *Ring) Propose(file, keyFile string, now time.Time) (*Proposal, error) {
	p := &Proposal{File: file, ring: r, Mine: []string{}}
	refuse := func(err error, try fault.Try) (*Proposal, error) {
		if refused := (*RefusedError)(nil); errors.As(err, &refused) {
			err, try = refused.Err, refused.Try
		}
		return nil, &RefusedError{File: file, Err: err, Try: try}
	}
	content, err := regular.ReadFile(file, rootLimit)
	if err != nil {
		return nil, fmt.Errorf("reading a root: %w", err)
	}
	if p.root, err = parseRoot(content); err != nil {
		return refuse(err, fault.To(fault.Advise, "a root, such as 2.root.json, from whoever made it"))
	}
	old, there, err := r.predecessor(p.root)
	if err != nil {
		return refuse(err, fault.Try{})
	}
	p.old, p.Known = old, there != nil
	if err := p.join(); err != nil {
		return refuse(err, fault.To(fault.Advise, "the file again, from whoever made it"))
	}
	p.Change = compare(p.old, p.root)
	if expires := p.root.md.Signed.Expires; !now.Before(expires) {
		return refuse(fmt.Errorf("it expired on %s", expires.Format(time.DateOnly)), fault.To(fault.RotateAgain))
	}
	return p, p.findKeys(keyFile)
}

// join adds the signatures to what is pending here of the same root, or those
// to these.
func (p *Proposal) join() error {
	if p.Known {
		return nil
	}
	signed, err := signers(p.old, p.root)
	if err != nil {
		return err
	}
	d, err := p.ring.draft()
	if err != nil {
		return err
	}
	if p.Pending = d.root.md != nil; p.Pending {
		if !sameSigned(d.root.raw, p.root.raw) {
			return &RefusedError{Err: fmt.Errorf("another root %d is pending here, in %s", rootVersion(d.root), p.ring.pending),
				Try: fault.To(fault.DropPending, p.ring.pending)}
		}
		if err := p.merge(d.root, signed); err != nil {
			return err
		}
	}
	for _, s := range p.root.md.Signatures {
		p.Signed = append(p.Signed, s.KeyID)
	}
	return nil
}

// merge adds the signatures of the root that is pending here. A file that has
// enough stays as it is: others may have taken it up.
func (p *Proposal) merge(here rootDocument, signed map[string]bool) error {
	ours, err := signers(p.old, here)
	if err != nil {
		return err
	}
	for id := range signed {
		p.news = p.news || !ours[id]
	}
	if len(lacks(p.old, p.root, signed)) == 0 {
		return nil
	}
	for _, s := range here.md.Signatures {
		if !signed[s.KeyID] {
			p.root.md.Signatures, p.merged = append(p.root.md.Signatures, s), true
		}
	}
	return nil
}

// findKeys finds the keys that would sign: none if enough have.
func (p *Proposal) findKeys(keyFile string) error {
	if p.Known {
		return nil
	}
	missing, err := p.Lacks()
	if err != nil || len(missing) == 0 {
		return err
	}
	var keys []key
	if keyFile != "" {
		keys, err = loadKeys([]string{keyFile})
	} else {
		keys, err = p.ring.keys(metadata.ROOT)
	}
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch {
		case rootKey(k.id, p.old, p.root) == nil:
		case slices.Contains(p.Signed, k.id):
			p.Again = append(p.Again, k.id)
		case !slices.Contains(p.Mine, k.id):
			p.keys, p.Mine = append(p.keys, k), append(p.Mine, k.id)
		}
	}
	if collects := p.Pending && p.news && keyFile == ""; len(p.keys) > 0 || len(p.Again) > 0 || collects {
		return nil
	}
	return &NoRootKeyError{File: p.File, Key: keyFile, Dir: p.ring.dir, Lacks: missing}
}

// Asks tells whether a person has to agree: to sign, or to trust the first root
// that is seen here.
func (p *Proposal) Asks() bool {
	return len(p.keys) > 0 || !p.Known && !p.Pending && p.Change.Before == 0
}

// Lacks tells who has to sign yet.
func (p *Proposal) Lacks() ([]Lack, error) {
	signed, err := signers(p.old, p.root)
	if err != nil {
		return nil, err
	}
	return lacks(p.old, p.root, signed), nil
}

// Sign signs the root and writes it back to its file, to be sent on. Is that
// enough, the root is taken up, here and now. It returns what is still missing,
// and nil if nothing is.
func (p *Proposal) Sign() (*Pending, error) {
	if p.Known {
		return nil, p.finish()
	}
	sealed, err := p.sealed()
	if err != nil {
		return nil, err
	}
	if len(p.keys) > 0 || p.merged {
		if err := durable.WriteFile(p.File, sealed.raw, 0o644); err != nil {
			return nil, err
		}
	}
	if p.Pending {
		if err := durable.WriteFile(p.ring.pendingRoot(sealed), sealed.raw, 0o644); err != nil {
			return nil, err
		}
		return p.ring.commitPending()
	}
	pending, err := pendingOf(p.File, p.old, sealed)
	if pending != nil || err != nil {
		return pending, err
	}
	if err := follows(p.old, sealed, rootVersion(sealed)); err != nil {
		return nil, fmt.Errorf("checking root %d: %w", rootVersion(sealed), err)
	}
	return nil, p.ring.adopt(draft{root: sealed})
}

// finish brings to its end what was interrupted after the root was kept.
func (p *Proposal) finish() error {
	d, err := p.ring.draft()
	if err == nil && d.root.md != nil && sameSigned(d.root.raw, p.root.raw) {
		_, err = p.ring.commitPending()
	}
	return err
}

// sealed returns the root with all signatures.
func (p *Proposal) sealed() (rootDocument, error) {
	if len(p.keys) == 0 && !p.merged {
		return p.root, nil
	}
	for _, k := range p.keys {
		if _, err := p.root.md.Sign(k.signer); err != nil {
			return p.root, fmt.Errorf("signing root %d with %s: %w", rootVersion(p.root), k.file, err)
		}
		p.ring.signed(metadata.ROOT)
	}
	sealed, err := encode(p.root.md)
	if err != nil {
		return sealed, fmt.Errorf("writing root %d: %w", rootVersion(p.root), err)
	}
	return sealed, nil
}
