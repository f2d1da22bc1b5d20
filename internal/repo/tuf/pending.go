package tuf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/durable"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// Pending is a root that others have to sign before it is one.
type Pending struct {
	File    string   `json:"file"`
	Version int64    `json:"version"`
	Signed  []string `json:"signed"` // by the keys with these IDs
	Lacks   []Lack   `json:"lacks"`
}

// draft is what lies in the ring's directory of pending things: new keys, and
// the metadata that gives them their right. A document may be missing.
type draft struct {
	root    rootDocument
	targets targetsDocument
}

// writePending writes a draft's metadata beside its keys.
func (r *Ring) writePending(files []File) error {
	for _, file := range files {
		if err := writeNew(filepath.Join(r.pending, filepath.Base(file.Path)), file.Content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// draft reads what is pending. Without metadata nothing is.
func (r *Ring) draft() (draft, error) {
	var d draft
	root, err := newestIn(r.pending, metadata.ROOT)
	if err != nil {
		return d, err
	}
	targets, err := newestIn(r.pending, metadata.TARGETS)
	if err != nil {
		return d, err
	}
	if root != nil {
		if d.root, err = parseRoot(root); err != nil {
			return d, fmt.Errorf("reading the root in %s: %w", r.pending, err)
		}
	}
	if targets != nil {
		if d.targets, err = parse[metadata.TargetsType](targets); err != nil {
			return d, fmt.Errorf("reading the targets in %s: %w", r.pending, err)
		}
	}
	return d, nil
}

func newestIn(dir, role string) ([]byte, error) {
	files, err := storedIn(dir, role)
	_, content := last(files)
	return content, err
}

// Pending tells which root waits for signatures; nil if none does.
func (r *Ring) Pending() (*Pending, error) {
	d, err := r.draft()
	if err != nil || d.root.md == nil {
		return nil, err
	}
	old, there, err := r.predecessor(d.root)
	if err != nil {
		return nil, r.stale(err)
	}
	if there != nil {
		return nil, nil //nolint:nilnil // it was interrupted when it had all
	}
	return pendingOf(r.pendingRoot(d.root), old, d.root)
}

func (r *Ring) pendingRoot(root rootDocument) string {
	return filepath.Join(r.pending, fileName(metadata.ROOT, rootVersion(root)))
}

// stale tells what to do about a draft that nobody can use any more.
func (r *Ring) stale(err error) error {
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		return &RefusedError{File: r.pending, Err: refused.Err, Try: fault.To(fault.DropAndRotate, r.pending)}
	}
	return err
}

// pendingOf tells what a root lacks; nil if nothing.
func pendingOf(file string, old, root rootDocument) (*Pending, error) {
	signed, err := signers(old, root)
	if err != nil {
		return nil, &RefusedError{File: file, Err: err, Try: fault.To(fault.Advise, "the file as it was before")}
	}
	missing := lacks(old, root, signed)
	if len(missing) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	p := &Pending{File: file, Version: rootVersion(root), Signed: []string{}, Lacks: missing}
	for _, s := range root.md.Signatures {
		p.Signed = append(p.Signed, s.KeyID)
	}
	return p, nil
}

// predecessor returns the root that another one has to follow; none if that is
// the first one, of the repository or, if it is good as it is, in a ring without
// roots. there is the ring's root of that version, if it says the same.
func (r *Ring) predecessor(root rootDocument) (old rootDocument, there []byte, err error) {
	files, err := r.stored(metadata.ROOT)
	if err != nil {
		return old, nil, err
	}
	version := rootVersion(root)
	newest, _ := last(files)
	switch there = files[version]; {
	case there != nil && !sameSigned(there, root.raw):
		return old, nil, &RefusedError{Err: fmt.Errorf("there is another root %d here, which is good: this one is stale", version), Try: fault.To(fault.RotateAgain)}
	case there == nil && newest >= version:
		return old, nil, &RefusedError{Err: fmt.Errorf("it is root %d, and here is root %d already", version, newest), Try: fault.To(fault.RotateAgain)}
	case newest > 0 && newest < version-1, newest == 0 && version > 1 && follows(old, root, version) != nil:
		return old, nil, &RefusedError{Err: fmt.Errorf("it is root %d, and root %d is not here", version, version-1),
			Try: fault.To(fault.SignNext, fileName(metadata.ROOT, newest+1))}
	}
	if before := files[version-1]; before != nil {
		if old, err = parse[metadata.RootType](before); err != nil {
			return old, nil, fmt.Errorf("reading %s: %w", r.metadata(metadata.ROOT, version-1), err)
		}
	}
	return old, there, nil
}

// commitPending takes up what is pending if it is good, and returns what it lacks if
// it is not. What was interrupted is brought to its end.
func (r *Ring) commitPending() (*Pending, error) {
	d, err := r.draft()
	if err != nil || d.root.md == nil && d.targets.md == nil {
		return nil, err
	}
	if pending, err := r.Pending(); pending != nil || err != nil {
		return pending, err
	}
	if err := r.checkDraft(d); err != nil {
		return nil, r.stale(err)
	}
	if err := r.raise(); err != nil {
		return nil, err
	}
	if err := r.adopt(d); err != nil {
		return nil, err
	}
	return nil, os.RemoveAll(r.pending)
}

// checkDraft makes sure that a draft's documents are the next ones.
func (r *Ring) checkDraft(d draft) error {
	if d.root.md != nil {
		old, _, err := r.predecessor(d.root)
		if err == nil {
			err = follows(old, d.root, rootVersion(d.root))
		}
		if err != nil {
			return err
		}
	}
	if d.targets.md == nil {
		return nil
	}
	files, err := r.stored(metadata.TARGETS)
	if err != nil {
		return err
	}
	version := versionOf(d.targets)
	newest, content := last(files)
	if there := newest == version && sameSigned(content, d.targets.raw); !there && newest != version-1 {
		return &RefusedError{Err: fmt.Errorf("it has targets %d, and here are targets %d already", version, newest)}
	}
	return nil
}

// raise moves new keys to where keys are looked for first.
func (r *Ring) raise() error {
	entries, err := os.ReadDir(r.pending)
	if err != nil {
		return fmt.Errorf("taking up new keys: %w", err)
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".key" {
			continue
		}
		if err := rename(filepath.Join(r.pending, entry.Name()), filepath.Join(r.dir, entry.Name())); err != nil {
			return fmt.Errorf("taking up the key %s: %w", entry.Name(), err)
		}
	}
	return durable.Sync(r.dir)
}

// adopt keeps new metadata, and retires the keys that lost their right by it.
func (r *Ring) adopt(d draft) error {
	before, err := r.before(d)
	if err != nil {
		return err
	}
	var files []File
	if d.targets.md != nil {
		files = append(files, d.targets.file(metadata.TARGETS, versionOf(d.targets)))
	}
	if d.root.md != nil {
		files = append(files, d.root.file(metadata.ROOT, rootVersion(d.root)))
	}
	if err := r.store(files); err != nil {
		return err
	}
	if before.root.md != nil && d.root.md != nil {
		for _, name := range []string{metadata.ROOT, metadata.TARGETS, Online} {
			if err := r.retire(name, before.grant(name), succession{root: d.root}.grant(name)); err != nil {
				return err
			}
		}
	}
	for _, channel := range channelsOf(before.targets) {
		if err := r.retire(channel, before.grant(channel), succession{targets: d.targets}.grant(channel)); err != nil {
			return err
		}
	}
	return nil
}

// before returns the documents that a draft's follow.
func (r *Ring) before(d draft) (succession, error) {
	var t succession
	var err error
	if d.root.md != nil {
		if t.root, _, err = r.predecessor(d.root); err != nil {
			return t, err
		}
	}
	if d.targets.md == nil {
		return t, nil
	}
	files, err := r.stored(metadata.TARGETS)
	if err != nil {
		return t, err
	}
	if old := files[versionOf(d.targets)-1]; old != nil {
		t.targets, err = parse[metadata.TargetsType](old)
	}
	return t, err
}

// retire moves the keys of a name away that have no right any more. They still
// sign for readers who have not heard of the new ones.
func (r *Ring) retire(name string, before, after grant) error {
	lost := without(before.ids, after.ids)
	if len(lost) == 0 {
		return nil
	}
	files, err := r.files(r.dir, name)
	if err != nil {
		return err
	}
	keys, err := loadKeys(files)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return !slices.Contains(lost, k.id) })
	if len(keys) == 0 {
		return nil
	}
	dir := filepath.Join(r.dir, retiredDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("retiring keys: %w", err)
	}
	for _, k := range keys {
		if err := rename(k.file, filepath.Join(dir, filepath.Base(k.file))); err != nil {
			return fmt.Errorf("retiring the key %s: %w", k.file, err)
		}
	}
	return errors.Join(durable.Sync(dir), durable.Sync(r.dir))
}
